"""What the screens offer for a provider that has no nightly switch and no live refresh, and say."""

import csv
import io
import json
import zipfile

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from refreshops import wiring
from refreshops.console import labels
from refreshops.logins.models import Login, LoginStatus, Nightly, Provider
from refreshops.routine import engine
from refreshops.routine.models import Run
from refreshops.rules.lifecycle import Purpose
from refreshops.tracing.models import Call
from tests.builders import make_login
from tests.console.conftest import make_attempt, make_call, make_run, page_of
from tests.console.test_orders import LIST, asked, confirmed

TOKEN = "Cd7.hQ_2mZ~kP-9XyW4b"
GUID = "0672cec4-1f5a-4e35-9c5a-0c6d7d1e2f3a"
NO_SWITCH = wiring.about("flanks", Purpose.SWITCH_OFF)


@pytest.fixture
def flanks(db):
    return Provider.objects.create(name="flanks", cost_per_login_month="2.00", currency="EUR")


@pytest.fixture
def held(flanks, register):
    """Return an active login of "manager" at a provider without a switch."""
    return make_login(provider=flanks, customer=register.customer, login_id=TOKEN, nightly="on")


def facts_of(page):
    return dict(page.context["question"].facts)


def shown(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_live_refresh_leaves_out_whom_the_provider_cannot_refresh_and_says_why(
    signed_in, register, held
):
    own = make_login(outcome="stale")

    page = asked(signed_in("ops"), "refresh_live", [own, held])

    assert facts_of(page)["Will be touched"] == "1"
    assert facts_of(page)["Left out"] == f"1: {wiring.about('flanks', Purpose.LIVE_REFRESH)[:-1]}"


def test_each_cause_of_leaving_out_has_its_number(signed_in, register, held):
    rows = [make_login(outcome="stale"), make_login(status=LoginStatus.INACTIVE), held]

    left_out = facts_of(asked(signed_in("ops"), "refresh_live", rows))["Left out"]

    assert left_out.startswith("2: 1 inactive")
    assert f"1 {wiring.about('flanks', Purpose.LIVE_REFRESH)[:-1]}" in left_out


def test_a_switch_off_of_both_says_what_it_is_at_each_and_saves_only_where_it_does(
    signed_in, register, held
):
    register.provider.cost_per_login_month = "1.50"
    register.provider.save()

    page = asked(signed_in("ops"), "switch_off", [register.own, held])

    facts = facts_of(page)
    assert facts["At Flanks (1)"] == NO_SWITCH
    assert facts["Money"] == "Saves 1.50 CAD a month"
    assert "Flanks" not in facts["Takes"]
    assert "read-back" in page.context["question"].consequence


def test_a_switch_off_where_nothing_is_told_promises_nothing(signed_in, register, held):
    page = asked(signed_in("ops"), "switch_off", [held])

    facts, question = facts_of(page), page.context["question"]
    assert facts["At Flanks"] == NO_SWITCH
    assert "Money" not in facts
    assert facts["Takes"] == "under a minute (no call is made)"
    assert "told nothing" in question.consequence
    assert "read-back" not in question.consequence


def test_nobody_orders_off_what_is_off_here_and_has_no_switch_there(signed_in, register, held):
    held.status = LoginStatus.INACTIVE
    held.save()

    page = asked(signed_in("ops"), "switch_off", [held])

    assert not page.context["question"].possible
    assert facts_of(page)["Left out"] == "1: inactive already, and the provider has no switch"


def work_at(provider):
    """Let the engine do what waits at a provider; none of these tests lets it make a call."""
    desk = engine.open_desk(
        provider=wiring.provider(provider.name),
        row_id=provider.pk,
        clock=wiring.clock,
        pace=wiring.pace(),
        vault=wiring.vault(),
    )
    while engine.speak_once(desk):
        pass


@pytest.fixture
def ordered_off(signed_in, held):
    """Order the login off and let the engine do it; the page of its run."""
    client = signed_in("manager")
    confirmed(client, asked(client, "switch_off", [held]), reason="Left us")
    run = Run.objects.get(purpose="switch_off")
    work_at(held.provider)
    return run


def test_a_switch_off_without_a_switch_ends_here_and_the_leak_stays(ordered_off, held):
    held.refresh_from_db()
    attempt = ordered_off.attempts.get()

    assert (attempt.outcome, attempt.outcome_reason) == ("fresh", "here_only")
    assert (held.status, held.nightly) == (LoginStatus.INACTIVE, Nightly.ON)
    assert held.nightly_verified_at is None
    assert not attempt.verified
    assert not Call.objects.filter(login_id=held.login_id).exists()


def test_its_receipts_never_say_that_it_is_off_there(ordered_off, held, signed_in):
    client, attempt = signed_in("manager"), ordered_off.attempts.get()
    base = f"/routine/run/{ordered_off.pk}/receipt"

    pages = [
        shown(client.get(f"{base}/")),
        shown(client.get(f"{page_of(held)[:-8]}/receipt/{attempt.pk}/")),
        shown(client.get(page_of(held))),
    ]
    row = next(csv.DictReader(io.StringIO(_text(client.get(f"{base}.csv")))))
    document = json.loads(_text(client.get(f"{base}.json")))

    for page in pages:
        assert "Done here only" in page
        assert "no longer kept" not in page
        assert "Not off at the provider" in page
        assert "Verified by" not in page
        assert "Accepted by the provider" not in page
    assert row["standing"] == "here_only"
    assert row["verified_at"] == ""
    assert document["totals"] == {"here_only": 1}


def _text(response):
    assert response.status_code == 200
    return b"".join(response).decode("utf-8-sig")


def test_the_login_page_offers_to_delete_what_cannot_be_switched_off(ordered_off, held, signed_in):
    answer = signed_in("admin").get(page_of(held))

    offered = {kind.purpose: kind.label for kind in answer.context["orders"]}
    assert offered[Purpose.FORGET] == "Delete at Flanks…"
    assert not offered.keys() & {Purpose.SWITCH_OFF, Purpose.LIVE_REFRESH}
    assert Purpose.SWITCH_ON in offered
    assert "order it deleted there" in shown(answer)
    said = dict(answer.context["peculiar"])
    assert said["Delete at Flanks"] == wiring.about("flanks", Purpose.FORGET)
    assert said["Refresh live"] == wiring.about("flanks", Purpose.LIVE_REFRESH)
    assert NO_SWITCH not in said.values()


def test_the_page_of_an_active_login_says_what_switching_it_off_is(held, signed_in):
    answer = signed_in("manager").get(page_of(held))

    assert dict(answer.context["peculiar"])["Switch off nightly refresh"] == NO_SWITCH
    assert NO_SWITCH in shown(answer)


def test_deleting_there_is_an_order_of_its_own_that_is_typed(ordered_off, held, signed_in):
    page = asked(signed_in("admin"), "forget", [held])

    assert page.context["question"].typed == "FORGET"
    assert facts_of(page)["At Flanks"] == wiring.about("flanks", Purpose.FORGET)
    assert facts_of(page)["Money"] == "Saves 2.00 EUR a month"


def test_a_person_without_an_order_is_not_told_what_it_would_be(held, signed_in):
    answer = signed_in("auditor").get(page_of(held))

    assert answer.context["peculiar"] == []


def test_switching_on_again_asks_again_and_says_so(ordered_off, held, signed_in):
    client = signed_in("manager")

    confirmed(client, asked(client, "switch_on", [held]), reason="Came back")
    work_at(held.provider)

    held.refresh_from_db()
    assert held.status == LoginStatus.ACTIVE
    receipt = client.get(page_of(held)).context["receipt"]
    assert receipt.accepted.title == "Done here only: we ask again"
    assert receipt.verified.state == "not_needed"


def test_the_pages_of_the_other_provider_say_nothing_of_this(signed_in, register):
    answer = signed_in("ops").get(page_of(register.own))

    assert answer.context["peculiar"] == []
    assert "Flanks" not in shown(answer)


def test_a_list_says_of_each_provider_why_its_logins_are_left_out(held, signed_in):
    held.status = LoginStatus.INACTIVE
    held.save()

    page = shown(signed_in("ops").post(f"{LIST}list/", {"order": "switch_off", "words": TOKEN}))

    assert "inactive already, and the provider has no switch" in page
    assert "already off, and verified at the provider" in page
    assert "Left out: 1" in page


@pytest.fixture
def call(held, register):
    run = make_run(provider=held.provider)
    attempt = make_attempt(run, held, outcome="user_action", provider_code="sca_token")
    return make_call(
        held,
        run,
        provider="flanks",
        endpoint="credentials/status",
        http_status_code=200,
        provider_code="50003",
        request_id="trace-1",
        attempt_id=attempt.pk,
    )


def test_a_call_is_shown_in_its_providers_words(call, signed_in):
    page = shown(signed_in("ops").get(page_of(call)))

    for word in ("credentials_token", "error_code", wiring.words("flanks").request_id):
        assert f">{word}<" in page
    assert "FlinksCode" not in page
    assert wiring.explain("flanks", code="50003").meaning in page
    assert "provider-answers/#code-50003" in page


def test_a_run_is_listed_in_its_providers_words(call, register, signed_in):
    client = signed_in("ops")

    theirs = shown(client.get(f"/routine/run/{call.run_id}/change/"))
    report = shown(client.get(f"/routine/run/{call.run_id}/report/"))
    other = shown(client.get(page_of(register.run)))

    for page in (theirs, report):
        assert ">credentials_token<" in page
        assert ">error_code<" in page
        assert "FlinksCode" not in page
    assert ">FlinksCode<" in other
    assert "error_code" not in other


def test_a_login_is_explained_by_its_own_providers_table(held, signed_in):
    held.outcome, held.provider_code = "user_action", "blocked"
    held.save()

    page = shown(signed_in("ops").get(page_of(held)))

    assert wiring.explain("flanks", code="blocked").meaning in page
    assert "last_update_timestamp" in page
    assert "credentials_token <code>" in page
    assert "LastRefresh" not in page


HEADS = [
    ("/logins/login/", "", {"FlinksCode"}, {"error_code"}),
    ("/logins/login/", "?provider=flinks", {"FlinksCode"}, {"error_code"}),
    ("/logins/login/", "?provider=flanks", {"error_code"}, {"FlinksCode"}),
    ("/tracing/call/", "", {"FlinksCode", "LoginId"}, {"error_code"}),
    ("/tracing/call/", "?provider=flanks", {"error_code", "credentials_token"}, {"FlinksCode"}),
    ("/tracing/call/", "?provider=nobody", {"FlinksCode", "LoginId"}, {"error_code"}),
]


@pytest.mark.parametrize(("path", "query", "there", "missing"), HEADS)
def test_a_list_is_headed_in_the_words_of_the_provider_it_is_narrowed_to(
    call, signed_in, path, query, there, missing
):
    answer = signed_in("ops").get(path + query)

    heads = {strip_tags(head["text"]) for head in _heads(answer)}
    assert there <= heads
    assert not missing & heads
    titles = {spec.title for spec in answer.context["cl"].filter_specs}
    assert there & {"FlinksCode", "error_code"} <= titles


def _heads(answer):
    from django.contrib.admin.templatetags.admin_list import result_headers

    return list(result_headers(answer.context["cl"]))


def choices_of(answer, name):
    found = next(spec for spec in answer.context["cl"].filter_specs if spec.parameter_name == name)
    return {value for value, _ in found.lookup_choices}


def test_the_choices_of_a_list_are_those_of_its_providers(call, signed_in):
    client = signed_in("ops")

    both = client.get("/tracing/call/")
    one = client.get("/tracing/call/?provider=flanks")

    assert {"50003", "INVALID_LOGIN"} <= choices_of(both, "code")
    assert "INVALID_LOGIN" not in choices_of(one, "code")
    assert {"Authorize", "credentials/status"} <= choices_of(both, "endpoint")
    assert "Authorize" not in choices_of(one, "endpoint")


def test_one_provider_alone_heads_its_lists(rf, monkeypatch):
    monkeypatch.setattr(wiring, "provider_names", lambda: ("flanks",))

    assert labels.words_of_list(rf.get("/")).code == "error_code"


def test_files_keep_their_columns_whatever_the_provider(call, signed_in):
    client = signed_in("ops")

    rows = csv.DictReader(io.StringIO(_text(client.post("/tracing/call/export/?provider=flanks"))))

    row = next(rows)
    assert (row["FlinksCode"], row["LoginId"], row["provider"]) == ("50003", TOKEN, "flanks")


SEARCHES = ["/logins/login/", "/tracing/call/", "/routine/attempt/"]


@pytest.mark.parametrize("path", SEARCHES)
@pytest.mark.parametrize("term", [TOKEN, f"  {TOKEN} "])
def test_an_id_with_capitals_is_found_as_it_is_written(call, signed_in, path, term):
    answer = signed_in("ops").get(path, {"q": term})

    assert len(answer.context["cl"].result_list) == 1


@pytest.mark.parametrize("term", [TOKEN[:8], TOKEN[:4], f"{TOKEN[:12]} "])
def test_the_beginning_that_lists_show_finds_the_login(held, signed_in, term):
    make_login(provider=held.provider, login_id=TOKEN.lower())

    answer = signed_in("ops").get(LIST, {"q": term})

    assert held in answer.context["cl"].result_list


@pytest.mark.parametrize(
    ("provider", "typed", "kept"),
    [
        ("flanks", f" {TOKEN} ", TOKEN),
        (
            "flinks",
            "{0672CEC4-1F5A-4E35-9C5A-0C6D7D1E2F3A}",
            "0672cec4-1f5a-4e35-9c5a-0c6d7d1e2f3a",
        ),
        ("flanks", "short", ""),
        ("flinks", TOKEN, ""),
    ],
)
def test_a_login_added_by_hand_is_spelled_as_its_provider_does(
    signed_in, flanks, register, provider, typed, kept
):
    row = Provider.objects.get(name=provider)
    form = {"provider": row.pk, "login_id": typed, "customer": register.customer.pk}

    answer = signed_in("admin").post(f"{LIST}add/", {**form, "institution": "Banco"})

    found = Login.objects.filter(institution="Banco").values_list("login_id", flat=True)
    assert list(found) == ([kept] if kept else [])
    assert answer.status_code == (302 if kept else 200)


def test_a_bundle_for_one_providers_support_has_no_word_of_the_other(call, held, signed_in):
    call.message, call.answer = "SCA_REQUIRED", {"error_code": 50003}
    call.sent_at = timezone.now()
    call.save()

    client = signed_in("ops")
    page = shown(client.get(f"/bundle/login/{held.pk}/"))
    content = b"".join(client.post(f"/bundle/login/{held.pk}/"))

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "To the support of Flanks" in files["ticket.txt"]
    assert all("error_code" in files[name] for name in ("ticket.txt", "timeline.csv"))
    assert TOKEN in files["ticket.txt"]
    for text in (page, *files.values()):
        assert "FlinksCode" not in text
        assert "LoginId" not in text


@pytest.mark.parametrize(
    ("flinks_at", "flanks_at", "labels_are"),
    [
        ("http://127.0.0.1:9/v3/", "http://127.0.0.1:9/", ("simulator", "simulator", "simulator")),
        (
            "http://127.0.0.1:9/v3/",
            "https://api.flanks.io/",
            ("production", "simulator", "production"),
        ),
        (
            "https://toolbox-api.private.fin.ag/v3/",
            "http://127.0.0.1:9/",
            ("sandbox", "sandbox", "simulator"),
        ),
        ("http://127.0.0.1:9/v3/", "", ("simulator", "simulator", "not set up")),
    ],
    ids=["both-simulated", "one-is-real", "one-is-a-sandbox", "one-alone"],
)
def test_the_label_says_where_most_can_go_wrong_and_a_paper_where_its_provider_is(
    settings, flinks_at, flanks_at, labels_are
):
    settings.FLINKS_API_URL, settings.FLANKS_API_URL = flinks_at, flanks_at

    found = tuple(wiring.environment_label(name) for name in ("", "flinks", "flanks"))

    assert found == labels_are
