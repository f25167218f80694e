"""One call with what stands around it: its login, run and attempt, the call before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, QuerySet, Subquery

from refreshops.console.addresses import bundle_of, calls_list, page
from refreshops.console.keyset import Key
from refreshops.console.scoping import calls_of, logins_of, runs_of
from refreshops.tracing.models import Call

NEWEST = Key("sent_at")
# An attempt may ask every ten seconds for half an hour: the others are one link away.
SHOWN = 20
# The two large columns stay on disk.
LARGE = ("answer", "body")


@dataclass(frozen=True)
class Siblings:
    """The calls of one attempt, in the order they were sent; `all_url` lists every one."""

    rows: list[Call]
    more: bool
    all_url: str


def links_of(call: Call, *, user: Any) -> Mapping[str, str]:
    """Return addresses as far as this person may follow them; "" where there is none.

    `login`, `run`, and the same login's calls: `older`, `newer`, `all`; `bundle`.
    """
    found = _around(call, user=user)
    may_bundle = user.has_perm("tracing.bundle_call")
    return {
        "login": _page("logins_login", found["login"]),
        "run": _page("routine_run", call.run_id if found["run"] else None),
        "older": _page("tracing_call", found["older"]),
        "newer": _page("tracing_call", found["newer"]),
        "all": calls_list(q=call.login_id) if call.login_id else "",
        "bundle": bundle_of("call", call.pk) if may_bundle else "",
    }


def siblings_of(call: Call, *, user: Any) -> Siblings | None:
    """Return the calls of the same attempt, this one included; None for a call without one."""
    if call.attempt_id is None:
        return None
    rows = calls_of(user).filter(attempt_id=call.attempt_id).defer(*LARGE)
    found = list(rows.order_by("sent_at", "pk")[: SHOWN + 1])
    return Siblings(found[:SHOWN], len(found) > SHOWN, calls_list(attempt=call.attempt_id))


def _around(call: Call, *, user: Any) -> Any:
    """Ask everything about the neighbourhood of a call at once."""
    logins = logins_of(user).filter(provider__name=call.provider, login_id=call.login_id or None)
    return (
        Call.objects.filter(pk=call.pk)
        .values(
            login=Subquery(logins.values("pk")[:1]),
            run=Exists(runs_of(user).filter(pk=call.run_id or 0)),
            older=Subquery(_neighbour(call, user=user, older=True)),
            newer=Subquery(_neighbour(call, user=user, older=False)),
        )
        .get()
    )


def _neighbour(call: Call, *, user: Any, older: bool) -> QuerySet[Any]:
    same = calls_of(user).filter(login_id=call.login_id or None, provider=call.provider)
    beyond: Any = NEWEST.beyond(same, NEWEST.cursor(call), older=older)
    ordered = beyond.order_by(*NEWEST.ordering)
    return (ordered if older else ordered.reverse()).values("pk")[:1]


def _page(model: str, pk: int | None) -> str:
    return page(model, pk) if pk else ""
