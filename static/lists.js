/* The filters of a list are drop-downs: Escape or a click beside them closes the open one. */
(function () {
  "use strict";
  const filters = Array.from(document.querySelectorAll("#changelist-filter details"));

  function close(except) {
    filters.forEach((one) => { if (one !== except) one.open = false; });
  }

  filters.forEach((one) => {
    one.open = false;
    one.addEventListener("toggle", () => {
      if (!one.open) return;
      close(one);
      const panel = one.querySelector(".filter-panel");
      if (!panel) return;
      panel.classList.remove("flip");
      const box = panel.getBoundingClientRect();
      if (box.right > window.innerWidth - 8 && box.right - one.getBoundingClientRect().right < box.left) panel.classList.add("flip");
    });
  });

  document.addEventListener("click", (event) => close(event.target.closest("#changelist-filter details")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = filters.find((one) => one.open);
    if (!open) return;
    close();
    open.querySelector("summary").focus();
  });
})();
