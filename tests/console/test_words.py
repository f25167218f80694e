"""Words, marks, times and bars: a row for every value, and nothing said that is not so."""

from datetime import UTC, datetime, timedelta

import pytest

from refreshops.console import badges, charts, moments
from refreshops.console.matrix import build
from refreshops.console.words import WHO_ACTS, about_login, held_data
from refreshops.logins.models import Login, Provider
from refreshops.rules.freshness import DataState
from refreshops.rules.lifecycle import Purpose
from refreshops.rules.outcomes import Actor, Outcome, Reason

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)  # 11:00 in Toronto


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (badges.REASON_WORDS, Reason),
        (badges.DATA_WORDS, DataState),
        (badges.PURPOSE_WORDS, Purpose),
        (WHO_ACTS, Actor),
    ],
    ids=["reasons", "data-states", "purposes", "actors"],
)
def test_every_value_has_its_words(words, values):
    assert set(words) == set(values)


def test_every_outcome_has_a_place_in_the_bar():
    assert set(charts.BAR_ORDER) == set(Outcome)


def test_every_outcome_has_a_colour_in_both_themes():
    from pathlib import Path

    css = Path("static/refreshops.css").read_text()

    for outcome in Outcome:
        assert f".o-{outcome.value} {{ --c: var(" in css or f".o-{outcome.value}," in css


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=3), "11:00 just now|10:59"),
        (timedelta(minutes=5), "10:55 5 min ago"),
        (timedelta(hours=3), "08:00 3 h ago"),
        (timedelta(hours=30), "19 Nov 05:00 30 h ago"),
        (timedelta(days=4), "16 Nov 11:00 4 d ago"),
        (timedelta(days=400), "16 Oct 2025 12:00 400 d ago"),
        (timedelta(minutes=-5), "11:05 in 5 min"),
    ],
)
def test_a_moment_reads_local_and_relative(ago, words):
    at = NOW - ago

    shown = f"{moments.local_words(at, now=NOW)} {moments.relative(at, now=NOW)}"

    assert shown in words or shown == "10:59 just now"
    assert at.strftime("%Y-%m-%d %H:%M:%S UTC") in moments.moment(at, now=NOW)


def test_no_moment_says_so():
    assert "never" in moments.moment(None)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "under a minute"),
        (timedelta(minutes=1), "about 1 minute"),
        (timedelta(minutes=12), "about 12 minutes"),
        (timedelta(hours=2, minutes=5), "about 2 h 5 min"),
    ],
)
def test_a_forecast_in_words(span, words):
    assert moments.lasting_words(span) == words


def test_a_bar_tells_in_words_what_it_draws():
    bar = charts.stacked_bar(outcomes={"fresh": 3, "stale": 1}, planned=8)

    assert 'aria-label="3 fresh, 1 stale"' in bar
    assert 'class="o-fresh" x="0.0" width="375.0"' in bar
    assert "style=" not in bar


def test_a_bar_of_nothing_divides_by_nothing():
    assert "nothing done yet" in charts.stacked_bar(outcomes={}, planned=0)


def test_a_good_end_of_a_switch_is_not_called_fresh():
    assert badges.outcome_label("fresh", Purpose.SWITCH_OFF) == "Done"
    assert badges.outcome_label("fresh", Purpose.REFRESH) == "Fresh"


@pytest.mark.parametrize(
    ("status", "nightly", "verified", "words"),
    [
        ("active", "on", False, "on"),
        ("active", "off", False, "off there"),
        ("inactive", "on", False, "still on"),
        ("inactive", "off", False, "off, not verified"),
        ("inactive", "off", True, "off, verified"),
        ("inactive", "unknown", False, "unknown"),
    ],
)
def test_the_nightly_mark_never_claims_what_nobody_verified(status, nightly, verified, words):
    login = Login(status=status, nightly=nightly, nightly_verified_at=NOW if verified else None)

    assert badges.nightly_badge(login).endswith(f"</i>{words}</span>")


def test_a_login_gone_at_the_provider_is_neither_on_nor_off():
    assert badges.nightly_badge(Login(nightly="on", gone_at=NOW)).endswith("</i>gone</span>")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"outcome": ""}, "has not been asked"),
        ({"outcome": "fresh"}, "refreshed this login"),
        ({"outcome": "user_action", "provider_code": "INVALID_PASSWORD"}, "password"),
        ({"outcome": "unknown", "provider_code": "VAULT_TIDE"}, "VAULT_TIDE"),
        ({"status": "inactive", "nightly": "on"}, "still refreshes"),
        ({"status": "inactive", "nightly": "off"}, "no read-back"),
        ({"status": "inactive", "nightly": "off", "nightly_verified_at": NOW}, "and at the prov"),
        ({"status": "inactive", "nightly": "unknown"}, "not known yet"),
        ({"status": "inactive", "gone_at": NOW}, "does not know it any more"),
        ({"status": "active", "gone_at": NOW, "outcome": "fresh"}, "does not know it any more"),
    ],
)
def test_a_login_says_what_is_the_matter(fields, words):
    plain = about_login(Login(provider=Provider(name="flinks"), **fields), now=NOW)

    assert words in plain.meaning
    assert plain.who
    assert plain.next_step


@pytest.mark.parametrize(
    ("hours", "words", "data"),
    [
        pytest.param(35, "refreshed this login", "is fresh", id="still-fresh"),
        pytest.param(37, "grown old", "was fresh when we last asked", id="nobody-asked-since"),
    ],
)
def test_what_was_fresh_when_asked_does_not_stay_so_for_ever(hours, words, data):
    login = Login(
        provider=Provider(name="flinks"),
        outcome="fresh",
        data_state="fresh",
        last_refresh_at=NOW - timedelta(hours=hours),
    )

    assert words in about_login(login, now=NOW).meaning
    assert data in held_data(login, now=NOW)


def test_the_matrix_stands_worst_first_and_names_an_outage_once():
    counted = [
        ("Good", "", "fresh", 9),
        ("Down", "RETRY_LATER", "institution_unavailable", 4),
        ("Down", "", "fresh", 1),
        ("Mixed", "RETRY_LATER", "institution_unavailable", 2),
        ("Mixed", "INVALID_PASSWORD", "user_action", 1),
    ]

    matrix = build(counted, link=lambda *_: "/x")

    assert [line.institution for line in matrix.lines] == ["Mixed", "Good"]
    assert [column.title for column in matrix.columns] == ["INVALID_PASSWORD", "RETRY_LATER"]
    assert [(row.institution, row.count, row.total) for row in matrix.outages] == [("Down", 4, 5)]
