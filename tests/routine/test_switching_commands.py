"""What `deactivate` and `activate` do about logins that stand as wanted already."""

import io
import json

import pytest
from django.core.management import call_command
from django.utils import timezone

from refreshops.routine.models import Run
from tests.builders import make_login, make_provider

pytestmark = pytest.mark.django_db
TOKEN = "Cd7.hQ_2mZ~kP-9XyW4b"


def said_by(command, *logins, **options):
    out = io.StringIO()
    ids = [login.login_id for login in logins]
    call_command(command, login_id=ids, reason="Left us", stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def off_here():
    """Return a login that is off here, at a provider without a switch."""
    provider = make_provider("flanks")
    return make_login(provider=provider, login_id=TOKEN, status="inactive", nightly="on")


@pytest.fixture
def off_there():
    return make_login(status="inactive", nightly="off", nightly_verified_at=timezone.now())


def test_what_is_off_here_and_has_no_switch_there_is_not_ordered_again(off_here):
    said = said_by("deactivate", off_here)

    assert said == "All 1 logins are inactive here already, and their provider has no switch.\n"
    assert not Run.objects.exists()


def test_what_is_on_here_and_has_no_switch_there_is_not_ordered_again(off_here):
    off_here.status, off_here.nightly = "active", "unknown"
    off_here.save()

    assert "active here already" in said_by("activate", off_here)
    assert not Run.objects.exists()


def test_nothing_is_called_off_there_that_is_off_here_alone(off_here, off_there):
    lines = said_by("deactivate", off_here, off_there).splitlines()
    found = json.loads(said_by("deactivate", off_here, off_there, json=True))

    assert lines == [
        "1 logins are off at the provider already, verified.",
        "1 logins are inactive here already, and their provider has no switch.",
    ]
    assert found == {"state": "closed", "already_off": 1, "already_inactive": 1}
    assert not Run.objects.exists()


def test_what_is_off_there_is_said_as_before(off_there):
    assert said_by("deactivate", off_there) == (
        "All 1 logins are off at the provider already, verified.\n"
    )
    assert json.loads(said_by("deactivate", off_there, json=True)) == {
        "state": "closed",
        "already_off": 1,
    }
