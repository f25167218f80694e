"""People are called by their full name on every screen, by the name they sign in with if none."""

import pytest
from django.contrib.auth.models import User

from refreshops.routine import services, waiting
from refreshops.tracing.events import Action, note
from tests.builders import NOON, make_customer, make_login
from tests.console.conftest import make_attempt, make_run, page_of

WHY = "A question"


@pytest.fixture
def story(people):
    """A run that "admin", who has a full name, ordered, paused and had approved."""
    User.objects.filter(pk=people["admin"].pk).update(first_name="Olga", last_name="Iversen")
    User.objects.filter(pk=people["ops"].pk).update(first_name="Per", last_name="Strand")
    login = make_login(customer=make_customer("C-1"))
    run = make_run(
        opened_by=people["admin"], purpose="switch_off", approved_by=people["ops"], approved_at=NOON
    )
    make_attempt(run, login, outcome="fresh")
    make_attempt(run, make_login())
    olga = User.objects.get(username="admin")
    services.pause_run(run, by=olga, why=WHY, now=NOON)
    about = {"by": olga, "at": NOON, "reason": WHY}
    note(Action.NOTE, subject=("customer", login.customer_id), **about)
    note(Action.CHANGE_PROVIDER, subject=("provider", run.provider_id), **about)
    event = note(Action.CHANGE_ROW, subject=("login", login.pk), **about)
    return {"run": run, "login": login, "event": event}


@pytest.mark.parametrize(
    ("address", "words"),
    [
        pytest.param(lambda told: "/", "<b>Olga Iversen</b>", id="index"),
        pytest.param(lambda told: "/routine/run/", "Olga Iversen", id="runs"),
        pytest.param(lambda told: page_of(told["run"]), "by <b>Olga Iversen</b>", id="opened"),
        pytest.param(
            lambda told: page_of(told["run"]), "approved by <b>Per Strand</b>", id="approved"
        ),
        pytest.param(
            lambda told: page_of(told["run"]), "<b>Olga Iversen</b> · Paused a run", id="story"
        ),
        pytest.param(
            lambda told: page_of(told["run"]), "Paused by <b>Olga Iversen</b>", id="paused"
        ),
        pytest.param(
            lambda told: f"/routine/run/{told['run'].pk}/report/", "Olga Iversen", id="report"
        ),
        pytest.param(lambda told: page_of(told["login"]), "Olga Iversen", id="login"),
        pytest.param(lambda told: page_of(told["login"].customer), "Olga Iversen", id="customer"),
        pytest.param(lambda told: page_of(told["run"].provider), "Olga Iversen", id="provider"),
        pytest.param(
            lambda told: "/tracing/event/", '<span title="admin">Olga Iversen</span>', id="events"
        ),
        pytest.param(
            lambda told: "/tracing/event/?who=0", ">Olga Iversen</a>", id="whose-events-to-choose"
        ),
        pytest.param(lambda told: page_of(told["event"]), "Olga Iversen (admin)", id="event"),
    ],
)
def test_a_page_says_the_full_name(signed_in, story, address, words):
    assert words in signed_in("ops").get(address(story)).content.decode()


def test_who_has_no_full_name_is_called_by_the_other(signed_in, people):
    run = make_run(opened_by=people["ops"])
    make_attempt(run, make_login())
    services.pause_run(run, by=people["ops"], why=WHY, now=NOON)

    page = signed_in("auditor").get(page_of(run)).content.decode()

    assert "by <b>ops</b>" in page
    assert "Paused by <b>ops</b>" in page
    assert "<b>ops</b> · Paused a run" in page


@pytest.mark.parametrize("step", ["withdraw", "cancel"])
def test_a_reason_kept_on_the_run_names_people_so_too(people, story, step):
    olga = User.objects.get(username="admin")
    run = make_run(
        state="waiting" if step == "withdraw" else "open", purpose="switch_off", opened_by=olga
    )
    deed = waiting.withdraw if step == "withdraw" else services.cancel_run

    deed(run, by=olga, why=WHY, now=NOON)

    run.refresh_from_db()
    assert run.state_reason.partition(" by ")[2] == "Olga Iversen: A question"


def test_an_event_keeps_the_name_its_person_signed_in_with(story):
    assert story["event"].actor == "admin"
