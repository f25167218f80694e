"""Two ways to count the register for the index page, and both count the same."""

import random
from datetime import timedelta

import pytest

from refreshops.logins import clock, leaks
from refreshops.logins.models import Login, Provider
from refreshops.logins.tallies import count_active, count_part, together
from tests.builders import NOON, make_login, make_provider

pytestmark = pytest.mark.django_db


@pytest.fixture(params=range(5), ids=lambda seed: f"seed-{seed}")
def register(request):
    draw = random.Random(request.param)
    providers = [make_provider(), Provider.objects.create(name="flanks")]
    for _ in range(120):
        make_login(
            provider=draw.choice(providers),
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


def test_what_was_counted_at_each_provider_adds_up(register):
    counted = count_active()

    for providers in ([], list(Provider.objects.values_list("pk", flat=True)), None):
        rows = Login.objects.active()
        rows = rows if providers is None else rows.filter(provider__in=providers)
        sums = together(counted, providers=providers)
        assert sum(number for *_, number in sums) == rows.count()
        assert len({tuple(cell) for *cell, _ in sums}) == len(sums)


def test_one_pass_counts_what_the_lists_hold_at_each_provider(register):
    logins = Login.objects.all()

    part = count_part(logins, now=NOON)

    for provider in Provider.objects.all():
        theirs = logins.filter(provider=provider)
        leaking = leaks.leaking(theirs, leaks.OFF_HERE_ON_THERE)
        unconfirmed = leaks.unconfirmed_for_long(theirs, now=NOON)
        dropping_out = clock.dropping_out(theirs, now=NOON)
        assert part.known[provider.pk] == theirs.count() > 0
        assert part.leaking[provider.pk] == leaking.count()
        assert part.unconfirmed[provider.pk] == unconfirmed.count() > 0
        assert part.dropping_out[provider.pk] == dropping_out.count() > 0
        assert part.already_out[provider.pk] == clock.already_out(theirs, now=NOON).count()


def test_an_empty_register_has_no_groups():
    assert count_active() == []
    assert count_part(Login.objects.all(), now=NOON).known.total() == 0
