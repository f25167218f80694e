"""The fake Flinks Connect in Chromium: on a phone, in a frame, and without scripts."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote, urlencode

import pytest

from tests.simulation import running_simulator

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PHONE = {"width": 375, "height": 700}
FRAMING = """<!doctype html><title>Lender</title><iframe src="{src}" width="370" height="690">
</iframe><script>heard = []; addEventListener("message", e => heard.push(e.data));</script>"""


@pytest.fixture(scope="module")
def bank():
    with running_simulator(scenario="morning", logins=60, body_kb=4) as simulator:
        yield simulator


class Lender(BaseHTTPRequestHandler):
    """Frames what /frame?URL names; any other page is where customers come back to."""

    def do_GET(self):
        what, _, src = self.path.partition("?")
        html = FRAMING.format(src=unquote(src)) if what == "/frame" else "<title>L</title><p>back"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(html.encode())

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def lender():
    with ThreadingHTTPServer(("127.0.0.1", 0), Lender) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def phone(browser, request):
    context = browser.new_context(viewport=PHONE, java_script_enabled=request.param)
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


@pytest.fixture
def page(browser):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


def address(simulator, lender, path="", **parameters):
    return f"{simulator.connect_url}{path}?" + urlencode(
        {"redirectUrl": f"{lender}/back/", **parameters}
    )


def test_on_a_phone_with_a_wrong_password_and_a_wrong_answer(bank, lender, phone, pictures):
    phone.goto(address(bank, lender, tag="t-1", closeEnable="true", demo="true"))
    pictures(phone, "connect-institutions", full_page=True)
    phone.get_by_role("button", name="FlinksCapital").click()
    phone.get_by_label("Username").fill("Greatday")
    phone.get_by_label("Password").fill("wrong")
    phone.get_by_role("button", name="Continue").click()
    pictures(phone, "connect-credential", full_page=True)
    said = phone.get_by_role("alert").inner_text()
    phone.get_by_label("Password").fill("Everyday")
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_label("What city").fill("Toronto")
    phone.get_by_role("button", name="Continue").click()
    pictures(phone, "connect-mfa", full_page=True)
    said_then = phone.get_by_role("alert").inner_text()
    phone.get_by_label("What city").fill("Montreal")
    phone.get_by_role("button", name="Continue").click()
    phone.wait_for_url(f"{lender}/**")

    assert "not right" in said
    assert "not right" in said_then
    assert re.fullmatch(
        rf"{lender}/back/\?loginId=[0-9a-f-]{{36}}&institution=FlinksCapital&tag=t-1", phone.url
    )


def test_no_page_is_wider_than_a_phone(bank, lender, page):
    page.set_viewport_size({"width": 320, "height": 600})
    for path in ("", "Credential/RBC/"):
        page.goto(address(bank, lender, path))

        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_in_a_frame_it_tells_the_page_around_it(bank, lender, page):
    framed = quote(address(bank, lender, demo="true"))
    page.goto(f"{lender}/frame?{framed}")
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="FlinksCapital").click()
    frame.get_by_label("Username").fill("Greatday")
    frame.get_by_label("Password").fill("Everyday")
    frame.get_by_role("button", name="Continue").click()
    for given in ("Toronto", "Montreal"):
        frame.get_by_label("What city").fill(given)
        frame.get_by_role("button", name="Continue").click()
    frame.get_by_text("back", exact=True).wait_for()

    heard = page.evaluate("heard")
    assert [event["step"] for event in heard] == [
        *("APP_MOUNTED", "COMPONENT_LOAD_INSTITUTION_SELECTOR"),
        *("INSTITUTION_SELECTED", "COMPONENT_LOAD_CREDENTIAL", "SUBMIT_CREDENTIAL"),
        *("COMPONENT_LOAD_MFA", "SUBMIT_MFA"),
        *("INVALID_SECURITY_RESPONSE", "COMPONENT_LOAD_MFA_RETRY", "SUBMIT_MFA"),
        "REDIRECT",
    ]
    assert heard[-1]["institution"] == "FlinksCapital"
    assert heard[-1]["url"].startswith(f"{lender}/back/?loginId=")
