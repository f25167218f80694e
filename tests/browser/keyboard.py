"""A person without a mouse: Tab, Shift-Tab, Enter, Space, Escape, the arrow keys and letters."""

from tests.browser.conftest import PASSWORD
from tests.browser.visitor import Visitor

MOST_STEPS = 600

# Where the focus is: whether that is the element wanted, and whether one sees that it is there.
ON_IT = "wanted => document.activeElement === wanted"
SEEN = """() => { const s = getComputedStyle(document.activeElement);
  return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0; }"""
# Focus is one forward or backward step nearer: says which way the element lies.
AHEAD = """wanted => { const here = document.activeElement || document.body;
  return here === document.body
    || !!(here.compareDocumentPosition(wanted) & Node.DOCUMENT_POSITION_FOLLOWING); }"""
# How many elements one certainly passes on the way: no radio button, of a group one is met at most.
BETWEEN = """wanted => { const here = document.activeElement || document.body;
  const follows = (one, other) =>
    !!(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);
  const ahead = here === document.body || follows(here, wanted);
  return [...document.querySelectorAll(
      "a[href], button, input:not([type=hidden], [type=radio]), select, textarea, summary")]
    .filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true})
      && (ahead ? follows(here, e) && follows(e, wanted) : follows(wanted, e) && follows(e, here)))
    .length; }"""
# Steps before the element at which one begins to look where one is.
LAST_STEPS = 2
CHOSEN = "select => select.options[select.selectedIndex].text"


def _key_towards(wanted):
    return "Tab" if wanted.evaluate(AHEAD) else "Shift+Tab"


class KeyboardVisitor(Visitor):
    """A visitor whose hands touch nothing but the keyboard."""

    def reach(self, locator):
        """Go to an element by Tab or Shift-Tab, and see that the focus shows."""
        wanted = locator.first
        key = _key_towards(wanted)
        for _ in range(wanted.evaluate(BETWEEN) - LAST_STEPS):
            self.page.keyboard.press(key)
        key = _key_towards(wanted)
        for _ in range(MOST_STEPS):
            # Looked up each time: a page that is live may have exchanged it meanwhile.
            if wanted.evaluate(ON_IT):
                assert self.page.evaluate(SEEN), f"the focus does not show at {locator}"
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"no way by keyboard to {locator}")

    def press(self, locator, key="Enter"):
        """Reach an element and press a key there."""
        self.reach(locator)
        self.page.keyboard.press(key)
        self.page.wait_for_load_state()

    def follow(self, locator):
        """Reach a link or button, press Enter, and wait for the page it leads to."""
        self.reach(locator)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def type_into(self, locator, text):
        """Reach a field and type over what it holds."""
        self.reach(locator)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, locator, label):
        """Reach a drop-down and go down to a choice with the arrow keys."""
        self.reach(locator)
        self.page.keyboard.press("Home")
        for _ in range(50):
            if locator.evaluate(CHOSEN) == label:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no choice {label!r}")

    def download(self, locator):
        """Reach a button, press Enter, and return the path of the file that comes."""
        self.reach(locator)
        with self.page.expect_download() as found:
            self.page.keyboard.press("Enter")
        return found.value.path()

    def sign_in(self, name):
        self.open()
        self.type_into(self.page.locator("#id_username"), name)
        self.type_into(self.page.locator("#id_password"), PASSWORD)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
