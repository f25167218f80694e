/* Keeps a page current without a reload: fetches its parts and exchanges those that changed. */
(function () {
  "use strict";
  const root = document.querySelector("[data-live-url]");
  if (!root) return;
  const RETRY_MS = 5000;
  const shown = {};

  /* Whoever marks words to copy them, or types, keeps what is under their hands. */
  function inUse(part) {
    const marked = window.getSelection();
    if (marked && !marked.isCollapsed && part.contains(marked.anchorNode)) return true;
    const focused = document.activeElement;
    return part.contains(focused) && focused.matches("input, select, textarea");
  }

  function exchange(name, html) {
    if (shown[name] === html) return;
    const part = root.querySelector('[data-part="' + name + '"]');
    if (part && inUse(part)) return;
    const first = !(name in shown);
    shown[name] = html;
    if (!part || (first && part.innerHTML.trim() === html.trim())) return;
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const address = focused && focused.getAttribute("href");
    const boxes = Array.from(part.querySelectorAll(".scroll"));
    const scrolled = boxes.map((box) => box.scrollLeft);
    const held = boxes.indexOf(focused);
    part.innerHTML = html;
    part.querySelectorAll(".scroll").forEach((box, i) => {
      box.scrollLeft = scrolled[i] || 0;
      if (i === held) box.focus({ preventScroll: true });
    });
    if (address) {
      const again = Array.from(part.querySelectorAll("a[href]"))
        .find((link) => link.getAttribute("href") === address);
      if (again) again.focus({ preventScroll: true });
    }
  }

  function say(words) {
    const said = root.querySelector("[data-live-said]");
    if (said && words && said.textContent !== words) said.textContent = words;
  }

  async function look() {
    let again = RETRY_MS;
    try {
      const answer = await fetch(root.dataset.liveUrl + window.location.search, {
        credentials: "same-origin", redirect: "error", cache: "no-store",
      });
      if (answer.status === 403 || answer.status === 404) return;
      if (answer.ok) {
        const found = await answer.json();
        Object.entries(found.parts).forEach(([name, html]) => exchange(name, html));
        say(found.said);
        again = found.again_ms;
      }
      root.classList.toggle("not-live", !answer.ok);
    } catch (_) {
      root.classList.add("not-live");
    }
    /* Nothing about it changes any more. */
    if (again > 0) window.setTimeout(whenSeen, again);
  }

  /* A page nobody looks at asks nothing. */
  function whenSeen() {
    if (!document.hidden) { look(); return; }
    document.addEventListener("visibilitychange", look, { once: true });
  }

  window.setTimeout(whenSeen, 1000);
})();
