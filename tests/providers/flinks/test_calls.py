"""Each call as Flinks documents it: method, path, body, key, slot and time."""

import pytest

from refreshops.providers.contract import Pacing
from refreshops.providers.flinks import calls
from tests.providers.flinks.spoken import LOGIN_ID, REQUEST_ID, TOKEN

B = "BankingServices"
CASES = [
    (calls.generate_authorize_token(), "POST", "", None, "secret", "reserve", 30),
    (
        calls.authorize_cached(LOGIN_ID),
        "POST",
        "",
        {"LoginId": LOGIN_ID, "MostRecentCached": True},
        "",
        "use",
        60,
    ),
    (
        calls.authorize_cached(LOGIN_ID, token=TOKEN),
        "POST",
        "",
        {"LoginId": LOGIN_ID, "MostRecentCached": True},
        "token",
        "use",
        60,
    ),
    (
        calls.authorize_live(LOGIN_ID),
        "POST",
        "",
        {"LoginId": LOGIN_ID, "MostRecentCached": False, "Save": True},
        "",
        "use",
        240,
    ),
    (
        calls.accounts_detail(REQUEST_ID),
        "POST",
        "",
        {"RequestId": REQUEST_ID},
        "x_api_key",
        "free",
        230,
    ),
    (
        calls.accounts_detail_async(REQUEST_ID),
        "GET",
        f"/{REQUEST_ID}",
        None,
        "x_api_key",
        "free",
        60,
    ),
    (
        calls.accounts_summary(REQUEST_ID),
        "POST",
        "",
        {"RequestId": REQUEST_ID},
        "x_api_key",
        "free",
        230,
    ),
    (
        calls.accounts_summary_async(REQUEST_ID),
        "GET",
        f"/{REQUEST_ID}",
        None,
        "x_api_key",
        "free",
        60,
    ),
    (
        calls.set_scheduled_refresh(LOGIN_ID, on=False),
        "PATCH",
        "",
        {"loginId": LOGIN_ID, "isActivated": False},
        "x_api_key",
        "use",
        60,
    ),
    (calls.delete_card(LOGIN_ID), "DELETE", f"/{LOGIN_ID}", None, "x_api_key", "use", 60),
    (calls.nightly_refresh_status(), "GET", "", None, "bearer", "free", 60),
]


@pytest.mark.parametrize(
    ("call", "method", "tail", "body", "auth", "pacing", "seconds"),
    [pytest.param(*case, id=f"{case[0].endpoint}-{case[4] or 'open'}") for case in CASES],
)
def test_it_is_built_as_documented(call, method, tail, body, auth, pacing, seconds):
    assert call.method == method
    assert call.path == f"{B}/{call.endpoint}{tail}"
    assert call.body == body
    assert call.auth == auth
    assert call.pacing is Pacing(pacing)
    assert call.deadline_s == seconds


def test_a_token_is_not_shown():
    assert TOKEN not in repr(calls.authorize_cached(LOGIN_ID, token=TOKEN))


@pytest.mark.parametrize("odd", ["../../x", "a/b", "a?b=c", "a#b", "é", "a b"])
def test_an_id_cannot_leave_its_place_in_the_path(odd):
    path = calls.delete_card(odd).path

    assert path.startswith(f"{B}/DeleteCard/")
    assert not set(path.removeprefix(f"{B}/DeleteCard/")) & set("/?# é")
