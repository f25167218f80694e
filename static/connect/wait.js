/* Waits for a connection: asks every second, then more slowly, and goes on when there is somewhere to go. */
(function () {
  "use strict";
  const main = document.querySelector("[data-state]");
  if (!main) return;
  const ready = document.querySelector("[data-go]");
  const FIRST_MS = 1000, SLOWEST_MS = 10000, SLOWER = 1.04;
  let pause = FIRST_MS;

  /* Whoever comes back by the browser's own button sees how it stands now, not how it stood. */
  window.addEventListener("pageshow", function (shown) {
    if (shown.persisted) window.location.reload();
  });

  function again() {
    window.setTimeout(look, pause);
    pause = Math.min(SLOWEST_MS, pause * SLOWER);
  }

  async function look() {
    let answer;
    try {
      answer = await fetch(main.dataset.state, { credentials: "same-origin", redirect: "error", cache: "no-store" });
      if (answer.status >= 500 || answer.status === 429) return again();
      if (!answer.ok) return window.location.reload();
      const found = await answer.json();
      if (found.state === "waiting") return again();
      if (found.state === "go" && found.url) return window.location.assign(found.url);
    } catch (_) {
      return again();
    }
    window.location.reload();
  }

  if (ready) window.location.assign(ready.href);
  else window.setTimeout(look, FIRST_MS);
})();
