"""Bad input from the provider's side: a clear message, the right outcome, and nothing lost."""

import pytest

from tests.processes.evidence import assert_everything_ended_once, assert_one_to_one
from tests.processes.sides import BOTH, FLANKS, FLINKS

pytestmark = pytest.mark.processes

# (fault at the simulator, endpoint, words in the trace)
FAULTS = [
    pytest.param({"kind": "invalid_json"}, "Authorize", "JSON", id="invalid-json"),
    pytest.param({"kind": "wrong_type", "form": "list"}, "Authorize", "", id="json-list"),
    pytest.param({"kind": "wrong_type", "form": "nan"}, "GetAccountsDetail", "", id="nan"),
    pytest.param({"kind": "wrong_type", "form": "deep"}, "GetAccountsDetail", "", id="too-deep"),
    pytest.param({"kind": "html_200"}, "Authorize", "HTML", id="html-with-200"),
    pytest.param({"kind": "no_request_id"}, "Authorize", "", id="200-without-request-id"),
    pytest.param({"kind": "wrong_login"}, "Authorize", "", id="another-login"),
    pytest.param({"kind": "wrong_login"}, "GetAccountsDetail", "", id="another-logins-data"),
    pytest.param({"kind": "status", "status": 503}, "Authorize", "503", id="503-html"),
    pytest.param({"kind": "cut"}, "GetAccountsDetail", "", id="cut-off-body"),
    pytest.param({"kind": "reset"}, "GetAccountsDetail", "", id="reset"),
    pytest.param({"kind": "stall"}, "Authorize", "", id="stall"),
    pytest.param({"kind": "gzip_bomb", "megabytes": 300}, "GetAccountsDetail", "", id="gzip-bomb"),
    pytest.param({"kind": "redirect", "status": 307}, "Authorize", "", id="redirect"),
]


# The same where a token is shared and the data comes in pieces.
SOAK = pytest.mark.soak
OF_FLANKS = [
    pytest.param({"kind": "invalid_json"}, "credentials/status", "JSON", id="invalid-json"),
    pytest.param(
        {"kind": "wrong_type", "form": "list"}, "credentials/status", "", id="a-list-of-nothing"
    ),
    pytest.param({"kind": "wrong_type", "form": "nan"}, "portfolio", "", id="nan"),
    pytest.param({"kind": "wrong_type", "form": "deep"}, "investment", "", id="too-deep"),
    pytest.param({"kind": "wrong_type", "form": "null"}, "card", "", id="null-for-a-list"),
    pytest.param(
        {"kind": "html_200"}, "credentials/status", "HTML", id="html-with-200", marks=SOAK
    ),
    pytest.param({"kind": "status", "status": 503}, "credentials/status", "503", id="503-html"),
    pytest.param({"kind": "status", "status": 502}, "liability", "502", id="502-at-the-last"),
    pytest.param({"kind": "cut"}, "account", "", id="cut-off-body"),
    pytest.param({"kind": "reset"}, "portfolio", "", id="reset", marks=SOAK),
    pytest.param({"kind": "stall"}, "credentials/status", "", id="stall"),
    pytest.param(
        {"kind": "gzip_bomb", "megabytes": 300}, "investment", "", id="gzip-bomb", marks=SOAK
    ),
    pytest.param(
        {"kind": "redirect", "status": 307}, "credentials/status", "", id="redirect", marks=SOAK
    ),
]


@pytest.mark.parametrize(("fault", "endpoint", "words"), FAULTS)
def test_a_bad_answer_is_a_provider_fault_of_one_login(fault, endpoint, words, simulate, install):
    assert_one_login_is_struck(FLINKS, fault, endpoint, words, simulate, install)


@pytest.mark.parametrize(("fault", "endpoint", "words"), OF_FLANKS)
def test_so_it_is_where_data_comes_in_pieces(fault, endpoint, words, simulate, install):
    assert_one_login_is_struck(FLANKS, fault, endpoint, words, simulate, install)


def assert_one_login_is_struck(side, fault, endpoint, words, simulate, install):
    simulator = simulate(scenario="calm", limit=0, body_kb=5, **side.options(4))
    place = install("sqlite", simulator, CALL_DEADLINE_SECONDS="0.7", **side.settings(simulator))
    struck = simulator.register_rows()[1]["login_id"]
    side.change(simulator, struck, faults=[fault | {"endpoint": endpoint}])

    found = side.run(place)

    assert found["outcomes"] == {"fresh": 3, "provider_fault": 1}
    assert_everything_ended_once(place, planned=4)
    assert_one_to_one(place, simulator)
    (login,) = place.rows(
        "SELECT outcome, outcome_reason, data_state FROM logins_login WHERE login_id = ?", struck
    )
    # Of data that comes in pieces the good ones are kept.
    in_part = side is FLANKS and endpoint in side.data
    assert login[0] == "provider_fault"
    assert login[1] in (("partial",) if in_part else ("network", "bad_answer"))
    assert login[2] == ("stale_usable" if in_part else "none")
    stored = place.rows(
        "SELECT count(*) FROM bankdata_snapshot snapshot "
        "JOIN logins_login login ON login.id = snapshot.login_id WHERE login.login_id = ?",
        struck,
    )
    assert stored == [(1 if in_part else 0,)]
    assert place.rows("SELECT count(*) FROM bankdata_piece") == [(0,)]
    told = place.rows(
        "SELECT error FROM tracing_call WHERE login_id = ? AND state = 'no_answer'", struck
    )
    assert words in " ".join(error for (error,) in told)


@pytest.mark.parametrize("kind", ["invalid_json", "html_200", "cut", "reset"])
@pytest.mark.parametrize("side", BOTH)
def test_a_bad_answer_once_is_asked_again_and_nothing_is_lost(side, kind, simulate, install):
    simulator = simulate(scenario="calm", limit=0, body_kb=5, **side.options(4))
    place = install("sqlite", simulator, **side.settings(simulator))
    struck = simulator.register_rows()[1]["login_id"]
    once = {"kind": kind, "endpoint": side.data[-1], "times": 1}
    side.change(simulator, struck, faults=[once])

    found = side.run(place)

    assert found["outcomes"] == {"fresh": 4}
    assert_one_to_one(place, simulator)
    # Of what came in pieces, only the one that failed is asked again.
    assert side.repeats(simulator) == 1


def test_a_wrong_key_pauses_the_provider_and_burns_no_login(simulate, install):
    simulator = simulate(scenario="calm", logins=30, limit=0)
    place = install("sqlite", simulator, FLINKS_SECRET_KEY="not-the-key", CONCURRENCY="2")

    done = place.manage("run_routine", expect=3)

    assert "auth key" in done.stdout
    assert place.rows("SELECT count(*) FROM routine_attempt WHERE state = 'done'")[0][0] <= 1
    (pause,) = place.rows("SELECT paused_kind, paused_reason FROM logins_provider")
    assert pause[0] == "keys"
    assert "not-the-key" not in str(place.rows("SELECT * FROM tracing_call"))


def test_after_the_key_is_put_right_the_same_run_ends(simulate, install):
    simulator = simulate(scenario="calm", logins=12, limit=0, body_kb=5)
    place = install("sqlite", simulator)
    place.manage("run_routine", expect=3, FLINKS_SECRET_KEY="not-the-key")
    place.manage(
        "shell",
        "--verbosity",
        "0",
        "--command",
        "from refreshops import wiring\n"
        "from refreshops.logins.models import Provider\n"
        "from refreshops.routine.services import resume_provider\n"
        "resume_provider(Provider.objects.get(), by=None, now=wiring.clock())",
    )

    found = place.run_routine()

    assert found["outcomes"] == {"fresh": 12}
    assert place.rows("SELECT count(*) FROM routine_run") == [(1,)]


def test_a_wrong_data_key_pauses_the_provider_too(simulate, install):
    simulator = simulate(scenario="calm", logins=10, limit=0)
    place = install("sqlite", simulator, FLINKS_X_API_KEY="not-the-key")

    place.manage("run_routine", expect=3)

    assert place.rows("SELECT paused_kind FROM logins_provider") == [("keys",)]
    assert place.rows("SELECT count(*) FROM routine_attempt WHERE outcome <> ''")[0][0] <= 1


def test_a_wrong_customer_id_is_suspected_before_the_register_is_burnt(simulate, install):
    simulator = simulate(scenario="calm", logins=40, limit=0)
    place = install(
        "sqlite",
        simulator,
        FLINKS_CUSTOMER_ID="00000000-0000-4000-8000-000000000000",
        FLINKS_SECRET_KEY="",
        FLINKS_BEARER_SECRET="",
        CONCURRENCY="1",
    )

    done = place.manage("run_routine", expect=3)

    assert "Check the customer id" in done.stdout
    assert place.rows("SELECT count(*) FROM routine_attempt WHERE state = 'done'") == [(5,)]


def test_an_unreachable_provider_pauses_and_loses_nothing(install, simulate):
    simulator = simulate(scenario="calm", logins=20, limit=0)
    place = install("sqlite", simulator, FLINKS_API_URL="http://127.0.0.1:9/v3/")

    done = place.manage("run_routine", expect=3)

    assert "No answer to 5 calls in a row" in done.stdout
    assert place.rows("SELECT count(*) FROM routine_attempt WHERE state = 'due'")[0][0] >= 19
    errors = {error for (error,) in place.rows("SELECT DISTINCT error FROM tracing_call")}
    assert all("refused" in error for error in errors), errors


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FLINKS_API_URL", "ftp://somewhere/v3/", "must be a web address"),
        ("FLINKS_API_URL", "http://api.example.com/v3/", "must begin with https://"),
        ("FLINKS_API_URL", "https://api.example.com/", "up to and including /v3/"),
        ("FLINKS_API_URL", "https://user:pw@api.example.com/v3/", "no credentials"),
        ("FLINKS_API_URL", "https://169.254.169.254/v3/", "bare IP"),
        ("FLINKS_API_URL", "", "FLINKS_API_URL is missing"),
        ("FLINKS_API_URL", "https://0xA9FEA9FE/v3/", "bare IP"),
        ("FLINKS_API_URL", "https://[::ffff:169.254.169.254]/v3/", "bare IP"),
        ("FLINKS_API_URL", "https://h:0/v3/", "senseless host or port"),
        ("FLINKS_API_URL", "https://h /v3/", "senseless host or port"),
        ("FLINKS_API_URL", "https://@h.example/v3/", "no credentials"),
        ("FLINKS_API_URL", "https://h.example/v3/?", "query or fragment"),
        ("FLINKS_CUSTOMER_ID", "..", "is no customer id"),
        ("DATABASE_URL", "foo", "must name SQLite"),
        ("ENV_FILE", "/nonexistent/env", "is not there"),
        ("POLL_LIMIT_SECONDS", "0.2", "must not be shorter"),
        ("ALLOWED_HOSTS", ",", "at least one host"),
        ("LOGINS_PER_MINUTE", "1.9", "whole number"),
        ("SECRET_KEY", "$short", "at least 50 characters"),
        ("SECRET_KEY", "short", "at least 50 characters"),
        ("FIELD_ENCRYPTION_KEYS", "nonsense", "Fernet keys"),
        ("LOGINS_PER_MINUTE", "many", "must be a number"),
        ("THROTTLE_WINDOW_SECONDS", "-1", "must be a number"),
        ("TIME_ZONE", "Mars/Olympus", "no known time zone"),
        ("DATABASE_URL", "mysql://somewhere/db", "must name SQLite"),
        ("DEBUG", "maybe", "must be true or false"),
        ("FLINKS_CONNECT_URL", "https://user:pw@page.example/v2/", "no credentials"),
        ("FLINKS_WEBHOOK_KEY", "short-pw", "at least 16 characters"),
        ("PUBLIC_URL", "http://lender.example", "must begin with https://"),
        ("EMAIL_URL", "smtp://user:pw@:99999", "must be consolemail://"),
        ("CONNECT_SHARE_PERCENT", "91", "must be a number from 1 to 90"),
        ("LINK_DAYS", "61", "must be a number from 1 to 60"),
        ("CASE_SWITCH_OFF_DAYS", "0", "must be a number from 1"),
        ("DEFAULT_FROM_EMAIL", "nobody", "must be an address"),
    ],
)
def test_a_senseless_setting_stops_the_start_with_one_sentence(name, value, words, install):
    place = install("sqlite")

    done = place.manage("check", expect=2, **{name: value})

    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "pw" not in done.stderr.replace("http", "")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        pytest.param(
            {"PUBLIC_URL": "https://other.example", "EMAIL_URL": "smtp://mail.example"},
            "PUBLIC_URL must name a host of ALLOWED_HOSTS",
            id="a-host-we-do-not-answer-to",
        ),
        pytest.param(
            {"PUBLIC_URL": "https://connect.example", "EMAIL_URL": "consolemail://"},
            "EMAIL_URL must not print mails",
            id="links-in-the-log",
        ),
    ],
)
def test_where_customers_come_settings_that_do_not_fit_stop_the_start(more, words, install):
    place = install("sqlite")
    host = {"ALLOWED_HOSTS": "connect.example", "HTTPS_ONLY": "true"}

    done = place.manage("check", expect=2, **host, **more)

    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
