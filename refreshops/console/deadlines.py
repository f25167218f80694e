"""By when somebody must act about a login: the moments after which waiting costs something.

Pure arithmetic over the row; the moments come from the provider's rule (design.md section 7,
fact 3) and from how long data may be used (the provider's page).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from refreshops.logins.models import Login, LoginStatus, Nightly
from refreshops.rules.outcomes import MEANING_OF, Actor, Outcome

# Nobody is told of a moment further away while all is well.
SOON = timedelta(days=2)
STOPS = "the provider stops refreshing it at night"
TOO_OLD = "the data we hold is too old to use"

# Who is spoken of, and what they must do; the others can only wait for a refresh.
MUST: dict[Actor, str] = {
    Actor.CUSTOMER: "The customer must connect again",
    Actor.ACCOUNT_MANAGER: "A new connection is needed",
    Actor.OPERATIONS: "Operations must act",
}


@dataclass(frozen=True)
class Moment:
    """A moment, and what happens then."""

    at: datetime
    words: str


def by_when(login: Login, *, now: datetime, nobody_acts: bool = False) -> SafeString | str:
    """Return one sentence with the nearest moment ahead, or what has happened; "" when neither.

    `nobody_acts` says that the trouble is not this login's own, whatever its outcome.
    """
    if login.status != LoginStatus.ACTIVE or login.gone_at is not None or not login.outcome:
        return ""
    ahead = sorted((row for row in _moments(login) if row.at > now), key=lambda row: row.at)
    if ahead:
        return _sentence(login, ahead[0], now=now, nobody_acts=nobody_acts)
    if login.drops_out_at and login.nightly != Nightly.OFF:
        return format_html("Out of the nightly refresh since {}.", day_and_time(login.drops_out_at))
    return ""


def _moments(login: Login) -> Iterator[Moment]:
    if login.drops_out_at is not None and login.nightly != Nightly.OFF:
        yield Moment(login.drops_out_at, STOPS)
    if login.data_as_of is not None:
        yield Moment(login.data_as_of + login.provider.usable_within, TOO_OLD)


def _sentence(login: Login, first: Moment, *, now: datetime, nobody_acts: bool) -> SafeString | str:
    row = MEANING_OF[Outcome(login.outcome)]
    when = day_and_time(first.at)
    if row.awaits_person and not nobody_acts and row.actor in MUST:
        return format_html("{} before {}: then {}.", MUST[row.actor], when, first.words)
    if row.outcome is Outcome.FRESH and first.at - now > SOON:
        return ""
    return format_html("Without a good refresh before {} {}.", when, first.words)


def day_and_time(at: datetime) -> SafeString:
    """Return the local weekday, date and time, the exact UTC in the title."""
    exact = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        exact.strftime("%Y-%m-%dT%H:%M:%SZ"),
        exact.strftime("%Y-%m-%d %H:%M:%S"),
        date_format(timezone.localtime(at), "l j M H:i"),
    )
