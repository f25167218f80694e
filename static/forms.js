/* Names for the stock fields that bring none: the boxes one searches in, and the two halves of a time. */
(function () {
  "use strict";
  function nameOf(field) {
    const row = field.closest(".form-row, .fieldBox");
    const label = row && row.querySelector("label, .datetime-label, legend");
    return label ? label.textContent.replace(":", "").trim() : "";
  }

  function nameAll() {
    document.querySelectorAll(".select2-selection, .select2-selection__rendered").forEach((box) => {
      box.setAttribute("aria-label", nameOf(box));
    });
    document.querySelectorAll(".datetime input").forEach((half) => {
      if (half.labels && half.labels.length) return;
      half.setAttribute("aria-label", nameOf(half) + (half.id.endsWith("_1") ? ", time" : ", date"));
    });
  }

  /* After the stock scripts have built their boxes: they wait for the same event, and came first. */
  if (window.django && window.django.jQuery) window.django.jQuery(nameAll);
  window.addEventListener("load", nameAll);
})();
