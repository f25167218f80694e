"""Two ways to count the register for the index page, and both count the same."""

import random
from datetime import timedelta

import pytest

from refreshops.logins import clock, leaks
from refreshops.logins.models import Login
from refreshops.logins.tallies import count_active, count_part
from tests.builders import NOON, make_login, make_provider

pytestmark = pytest.mark.django_db


@pytest.fixture(params=range(5), ids=lambda seed: f"seed-{seed}")
def register(request):
    draw = random.Random(request.param)
    for _ in range(60):
        make_login(
            institution=draw.choice(["", "A", "a", "Z", "Énergie"]),
            provider_code=draw.choice(["", "X", "Y"]),
            outcome=draw.choice(["", "fresh", "stale", "unknown"]),
            status=draw.choice(["active", "inactive"]),
            status_changed_at=NOON - timedelta(hours=draw.choice([1, 30])),
            nightly=draw.choice(["on", "off", "unknown"]),
            gone_at=draw.choice([None, NOON]),
            drops_out_at=NOON + timedelta(hours=draw.randrange(-9, 99)),
        )


def test_skipping_through_the_index_counts_what_reading_every_row_counts(register):
    part = count_part(Login.objects.all(), now=NOON)

    assert sorted(count_active()) == sorted(part.active)
    assert sum(number for *_, number in count_active()) == Login.objects.active().count()


def test_one_pass_counts_what_the_lists_hold(register):
    logins = Login.objects.all()

    part = count_part(logins, now=NOON)

    assert part.known == logins.count()
    assert part.leaking[make_provider().pk] == (
        leaks.leaking(logins, leaks.OFF_HERE_ON_THERE).count()
    )
    assert part.unconfirmed == leaks.unconfirmed_for_long(logins, now=NOON).count() > 0
    assert part.dropping_out == clock.dropping_out(logins, now=NOON).count() > 0
    assert part.already_out == clock.already_out(logins, now=NOON).count()


def test_an_empty_register_has_no_groups():
    assert count_active() == []
    assert count_part(Login.objects.all(), now=NOON).known == 0
