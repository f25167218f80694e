/* A button that copies what stands in a box; where the browser cannot, the box is marked instead. */
(function () {
  "use strict";
  document.querySelectorAll("button[data-copy]").forEach((button) => {
    const box = document.getElementById(button.dataset.copy);
    const said = document.querySelector("[data-copied]");
    if (!box) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      box.focus();
      box.select();
      let words = "Copied.";
      try {
        await navigator.clipboard.writeText(box.value);
      } catch (_) {
        words = "Marked: copy it with Ctrl-C.";
      }
      if (said) said.textContent = words;
    });
  });
})();
