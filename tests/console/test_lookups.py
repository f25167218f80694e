"""What a stranger may write into an address or a form: refused in words, never a broken page."""

import logging
from urllib.parse import quote

import pytest
from django.urls import reverse

from refreshops.console.addresses import NOT_ASKED, calls_list, logins_list
from tests.console.conftest import page_of

ODD = ["x", "\0", "²", "٣", "9" * 19, "9" * 39, "-1", "\\", "[]", "1e5", "9999-12-31 23:59:59"]
REFUSED = (302, 400)


def listing(model, query=""):
    return reverse(f"admin:{model}_changelist") + query


@pytest.fixture
def careful(signed_in):
    """Return a client that answers a broken page instead of raising what broke it."""

    def sign_in(name):
        client = signed_in(name)
        client.raise_request_exception = False
        return client

    return sign_in


@pytest.mark.parametrize(
    ("model", "query"),
    [
        pytest.param("tracing_call", "message__regex=^(a%2B)%2Bb$", id="a-regex-that-never-ends"),
        pytest.param("logins_login", "institution__iregex=(a*)*b", id="a-regex-on-logins"),
        pytest.param("routine_attempt", "lease_token__startswith=a", id="a-lease-guessed"),
        pytest.param("routine_beat", "token__startswith=a", id="a-seat-guessed"),
        pytest.param("logins_login", "bank_accounts__isnull=False", id="who-has-accounts"),
        pytest.param("logins_login", "snapshots__isnull=False", id="who-has-data"),
        pytest.param("tracing_call", "answer__contains={}", id="into-the-answer"),
        pytest.param("routine_run", "report__contains={}", id="into-the-report"),
        pytest.param("bankdata_snapshot", "payload=%00", id="into-the-payload"),
        pytest.param("logins_login", "pk__in=9999999999999999999", id="too-large-a-number"),
        pytest.param("logins_login", "id__range=%D9%A3", id="half-a-range"),
        pytest.param("logins_login", "fresh_at__year=-1", id="a-year-before-years"),
        pytest.param("logins_login", "institution__regex=%5C", id="a-broken-regex"),
        pytest.param("logins_login", "status__regex=a", id="a-regex-on-a-filtered-field"),
        pytest.param("tracing_call", "sent_at__year=2026", id="a-year-of-a-filtered-field"),
        pytest.param("logins_customer", "account_manager=9999999999999999999", id="a-manager"),
        pytest.param("routine_run", "opened_by=9999999999999999999", id="an-opener"),
        pytest.param("routine_run", "retry_of=9999999999999999999", id="a-retry"),
        pytest.param("routine_attempt", "slot=9999999999999999999", id="a-slot"),
        pytest.param("auth_user", "username__regex=^(a%2B)%2Bb$", id="a-regex-on-people"),
        pytest.param("auth_group", "user__password__startswith=p", id="a-password-guessed"),
    ],
)
def test_a_list_is_narrowed_by_its_filters_alone(careful, register, model, query):
    answer = careful("admin").get(listing(model, f"?{query}"))

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "whole",
    [pytest.param(False, id="in-turn"), pytest.param(True, id="all", marks=pytest.mark.soak)],
)
@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("logins_login", "status__exact outcome data_state institution manager code provider"),
        ("logins_login", "customer__id__exact nightly__exact q o p all _to_field _popup"),
        ("logins_login", "leak drops_out gone_at__isnull"),
        ("logins_customer", "manager inactive_days q o p"),
        ("logins_unknownlogin", "provider q o p"),
        ("routine_run", "purpose__exact origin__exact opened_at__gte opened_at__lt q"),
        ("routine_attempt", "state__exact outcome purpose__exact before after q"),
        ("tracing_call", "day attempt provider endpoint http code state__exact before after q p"),
        ("bankdata_snapshot", "day before after q"),
        ("bankdata_bankaccount", "q"),
        ("auth_user", "is_staff__exact groups__id__exact groups__isnull q"),
    ],
)
def test_no_value_of_a_permitted_parameter_breaks_a_list(careful, register, model, names, whole):
    """Every parameter gets every third of the values in turn, and all of them in the soak."""
    client = careful("admin")

    for turn, name in enumerate(names.split()):
        for value in ODD if whole else ODD[turn % 3 :: 3]:
            answer = client.get(listing(model, f"?{name}={quote(value)}"))
            assert answer.status_code in (200, *REFUSED), (name, value)


@pytest.mark.parametrize("value", ["²", "٣", "9" * 19, "x"])
def test_a_manager_that_is_no_number_narrows_to_nothing(careful, register, value):
    answer = careful("ops").get("/logins/login/", {"manager": value})

    assert answer.status_code == 200
    assert answer.context["cl"].result_count == 0


@pytest.mark.parametrize("name", ["leak", "drops_out", "inactive_days"])
@pytest.mark.parametrize("value", ["x", "²", "9" * 39, "0", "-1", "on_here_off_there'"])
def test_a_list_that_is_none_of_ours_holds_nobody(careful, register, name, value):
    model = "logins_customer" if name == "inactive_days" else "logins_login"

    answer = careful("ops").get(listing(model), {name: value})

    assert answer.status_code == 200
    assert answer.context["cl"].result_count == 0


def test_every_link_of_our_own_narrows(signed_in, register):
    client = signed_in("ops")
    own = register.own

    for address, rows in [
        (logins_list(outcome="user_action"), 1),
        (logins_list(outcome=NOT_ASKED), 0),
        (logins_list(outcome="fresh", institution="Farbank"), 1),
        (logins_list(institution="TD", code="QUESTION_NOT_FOUND"), 1),
        (calls_list(q=register.run.pk), 2),
        (calls_list(q=own.login_id), 1),
        (f"/logins/login/?customer__id__exact={own.customer_id}&status__exact=active", 1),
        ("/routine/run/?state__exact=open&origin__exact=daily", 1),
    ]:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.context["cl"].result_count == rows, address


# The choices of the large lists are followed by test_query_counts, too.
@pytest.mark.parametrize(
    "model",
    [
        "auth_user",
        *(
            pytest.param(model, marks=pytest.mark.soak)
            for model in ("logins_login", "logins_customer", "routine_run", "tracing_call")
        ),
    ],
)
def test_every_choice_a_list_offers_can_be_followed(signed_in, register, model):
    client = signed_in("admin")
    page = client.get(listing(model))

    for spec in page.context["cl"].filter_specs:
        for choice in spec.choices(page.context["cl"]):
            answer = client.get(listing(model, choice["query_string"]))
            assert answer.status_code == 200, choice


@pytest.mark.parametrize("value", ["x", "\0", "²", "9" * 39])
@pytest.mark.parametrize("action", ["refresh_now", "switch_off"])
def test_a_ticked_row_that_is_no_number_is_refused(careful, register, action, value):
    form = {"action": action, "_selected_action": [str(register.own.pk), value]}

    assert careful("ops").post("/logins/login/", form).status_code == 400


def test_a_ticked_person_that_is_no_number_is_refused(careful, register):
    form = {"action": "delete_selected", "_selected_action": "x"}

    assert careful("admin").post("/auth/user/", form).status_code == 400


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("where", ["add", "change"])
def test_a_customer_that_is_none_is_said_at_the_field(careful, register, where, value):
    path = "/logins/login/add/" if where == "add" else page_of(register.own)
    form = {"provider": register.provider.pk, "login_id": "x", "institution": "TD"}

    answer = careful("admin").post(path, {**form, "customer": value})

    assert answer.status_code == 200
    assert "customer" in answer.context["adminform"].form.errors


def test_a_customer_given_in_the_address_may_be_nonsense(careful, register):
    assert careful("admin").get("/logins/login/add/", {"customer": "x"}).status_code == 200


@pytest.mark.parametrize("value", ["x", "\0", "²", "9" * 19, "9" * 39, "-1", "1e5"])
def test_an_account_manager_that_is_none_is_said_at_the_field(careful, register, value):
    form = {"reference": "R-1", "name": "N", "language": "en", "account_manager": value}

    answer = careful("admin").post(page_of(register.customer), form)

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors


@pytest.mark.parametrize("path", ["/logins/login/", "/routine/run/", "/auth/user/"])
@pytest.mark.parametrize("query", ["outcom=fresh", "customer__name__regex=a", "_to_field=nothing"])
def test_a_mistyped_filter_is_one_warning_in_the_log_without_a_trace(careful, path, query, caplog):
    answer = careful("admin").get(f"{path}?{query}")

    assert answer.status_code == 400
    warned = [row for row in caplog.records if row.levelno >= logging.WARNING]
    assert [(row.levelname, row.getMessage()) for row in warned] == [
        ("WARNING", f"Bad Request: {path}")
    ]
    assert not any(row.exc_info for row in caplog.records)
