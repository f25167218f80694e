"""One person in a browser, and what a page must not show them."""

from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import PASSWORD

WIDE = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
# The main one first; the others are looked at in turn.
MODES = (("light", WIDE), ("dark", PHONE), ("dark", WIDE), ("light", PHONE))

# What stands out over the window's edge, but for what scrolls inside itself.
TOO_WIDE = """() => document.documentElement.scrollWidth > window.innerWidth
  ? [...document.querySelectorAll("body *")]
      .filter((e) => e.getBoundingClientRect().right > window.innerWidth + 1)
      .slice(-1).map((e) => e.tagName + "." + e.className)[0] || "?" : ''"""
# Cells, badges and buttons of three lines and more.
TOO_HIGH = """() => [...document.querySelectorAll(
    "#result_list th, #result_list td, .badge, .button, .places a, table.matrix td")]
  .filter((e) => e.getClientRects().length && !e.querySelector("form, ul, svg"))
  .filter((e) => { const s = getComputedStyle(e);
    return e.clientHeight - parseFloat(s.paddingTop) - parseFloat(s.paddingBottom)
      > 2.6 * (parseFloat(s.lineHeight) || 1.3 * parseFloat(s.fontSize)); })
  .map((e) => e.tagName + "." + e.className + " " + e.textContent.trim().slice(0, 40))[0] || ''"""


class Visitor:
    """One person in one browser tab; every console error and page error is kept."""

    def __init__(self, browser, site, *, color_scheme="light", viewport=None):
        self.context = browser.new_context(
            viewport=viewport or WIDE,
            color_scheme=color_scheme,
            locale="en-CA",
            # Colours on their way from light to dark are none that anybody chose.
            reduced_motion="reduce",
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.site = site
        self.wrong: list[str] = []
        self.loads = 0
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("load", self._loaded)

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def _loaded(self, page):
        self.loads += 1

    def open(self, path="", *, status=200):
        answer = self.page.goto(self.site.address + path)
        assert answer is not None
        assert answer.status == status, path

    def sign_in(self, name):
        self.open()
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("[type=submit]")
        self.page.wait_for_load_state()

    def show(self, scheme, viewport):
        """Turn the page on screen to another colour scheme and size, without a reload."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size(viewport)


def serious_faults(page, where):
    """Return the serious and critical findings of axe on the page."""
    results = Axe().run(page, options={"resultTypes": ["violations"]}).response
    return [
        f"{where}: {fault['id']} at {fault['nodes'][0]['target']}"
        for fault in results["violations"]
        if fault["impact"] in ("serious", "critical")
    ]


def misfits(page, where):
    """Return what does not fit the window, or takes three lines where it should take one."""
    found = [("wider than the window", TOO_WIDE)]
    if page.viewport_size == WIDE:
        found.append(("three lines high", TOO_HIGH))
    return [f"{where}: {words}: {what}" for words, look in found if (what := page.evaluate(look))]
