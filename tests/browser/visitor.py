"""One person in a browser, and what a page must not show them."""

from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import PASSWORD

WIDE = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


class Visitor:
    """One person in one browser tab; every console error and page error is kept."""

    def __init__(self, browser, site, *, color_scheme="light", viewport=None):
        self.context = browser.new_context(
            viewport=viewport or WIDE, color_scheme=color_scheme, locale="en-CA"
        )
        self.page = self.context.new_page()
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

    def open(self, path=""):
        answer = self.page.goto(self.site.address + path)
        assert answer is not None
        assert answer.status == 200, path

    def sign_in(self, name):
        self.open()
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("[type=submit]")
        self.page.wait_for_load_state()


def serious_faults(page, where):
    """Return the serious and critical findings of axe on the page."""
    results = Axe().run(page).response
    return [
        f"{where}: {fault['id']} at {fault['nodes'][0]['target']}"
        for fault in results["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
