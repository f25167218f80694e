// Tells the page around this one what happens, as Flinks Connect does; the page works without it.
(() => {
  const outer = window.parent !== window ? window.parent : window.opener;
  if (!outer) return;
  const tell = (event) => outer.postMessage(event, "*");
  const { events, next } = document.body.dataset;
  for (const event of JSON.parse(events || "[]")) tell(event);
  for (const form of document.forms) {
    if (form.elements.framed) form.elements.framed.value = "1";
    form.addEventListener("submit", () => {
      if (form.dataset.event) tell({ step: form.dataset.event });
    });
  }
  if (next) window.location.replace(next);
})();
