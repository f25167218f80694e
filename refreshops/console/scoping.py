"""Which rows a person sees: all of them, or those of their own customers (design.md section 6).

Every list, count, search, page and JSON answer of the console starts from one of these querysets.
"""

from typing import Any, cast

from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet

from refreshops.bankdata.models import BankAccount, Snapshot
from refreshops.logins.models import (
    ConnectLink,
    Contact,
    Customer,
    Letter,
    Login,
    LoginQuerySet,
    ReconnectCase,
    UnknownLogin,
)
from refreshops.logins.owned import Among, owned_by
from refreshops.routine.models import Attempt, Run
from refreshops.tracing.models import Call, Delivery, Event

# So many logins are named one by one; the rows of more are found among the newest.
FEW_LOGINS = 600


def sees_everything(user: Any) -> bool:
    """Tell whether the rows of every account manager are this person's to see."""
    return bool(user.has_perm("logins.view_every_customer"))


def sees_bank_data(user: Any) -> bool:
    """Tell whether this person may see accounts and balances; an account manager never does."""
    return bool(user.has_perm("bankdata.view_bankaccount")) and sees_everything(user)


def sees_how_much_bank_data(user: Any) -> bool:
    """Tell whether this person may know how much was fetched; an account manager never does."""
    return bool(user.has_perm("bankdata.view_snapshot")) and sees_everything(user)


def logins_of(user: Any) -> LoginQuerySet:
    """Return the logins this person may see."""
    return cast(LoginQuerySet, seen_by(user, Login.objects.all()))


def logins_by_customer(user: Any) -> LoginQuerySet:
    """Return the logins of the person's own customers, for counts over all of them.

    The same rows as `logins_of` gives who sees only part: but led by the customers, where a
    database would walk through everybody's logins in the order of an index.
    """
    return Login.objects.filter(owned_by(user))


def runs_of(user: Any) -> QuerySet[Run]:
    """Return the runs this person may see: an account manager only the ones they ordered."""
    return seen_by(user, Run.objects.all())


def attempts_of(user: Any) -> QuerySet[Attempt]:
    """Return the attempts this person may see."""
    return seen_by(user, Attempt.objects.all())


def attempts_by_login(user: Any) -> QuerySet[Attempt]:
    """Return the same rows as `attempts_of`, for counts over all of them in a run: the person's
    logins are found once, and not asked for each attempt whose it is.
    """
    if sees_everything(user):
        return Attempt.objects.all()
    return Attempt.objects.filter(Among(F("login"), logins_by_customer(user).values("pk").query))


def calls_of(user: Any) -> QuerySet[Call]:
    """Return the calls this person may see: those made for a login of theirs."""
    return seen_by(user, Call.objects.all())


def seen_by(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Narrow `rows` to what `user` may see; models outside the register come back unchanged."""
    if sees_everything(user):
        return rows
    narrow = _NARROW.get(rows.model)
    return narrow(rows, user) if narrow else rows


def sought_by_login(rows: QuerySet[Any], user: Any, *, key: str = "pk") -> QuerySet[Any]:
    """Say once more in a way that an index answers which rows of `rows` are a person's own.

    `rows.login_id` holds each login's `key`. For a reader of few logins; who has more finds a
    page of them among the newest rows. It narrows nothing that `seen_by` has not narrowed.
    """
    if sees_everything(user):
        return rows
    own = list(logins_of(user).values_list(key, flat=True)[: FEW_LOGINS + 1])
    return rows.filter(login_id__in=own) if len(own) <= FEW_LOGINS else rows


def _own_attempts(rows: QuerySet[Any], user: Any) -> QuerySet[Any]:
    # No join: it would begin at the customers and sort all they ever had for one page.
    own = Login.objects.filter(customer__account_manager=user, pk=OuterRef("login_id"))
    return rows.filter(Exists(own))


def _own_calls(rows: QuerySet[Any], user: Any) -> QuerySet[Any]:
    own = Login.objects.filter(
        customer__account_manager=user,
        login_id=OuterRef("login_id"),
        provider__name=OuterRef("provider"),
    )
    return rows.filter(Exists(own))


def _own_events(rows: QuerySet[Any], user: Any) -> QuerySet[Any]:
    """Keep what people did to their orders, customers and logins, and all they did themselves."""
    logins = Login.objects.filter(customer__account_manager=user)
    customers = Customer.objects.filter(account_manager=user)
    runs = Run.objects.filter(opened_by=user)
    return rows.filter(
        Q(actor_id=user.pk)
        | Q(run_id__in=runs.values("pk"))
        | Q(subject="login", subject_id__in=logins.values("pk"))
        | Q(subject="customer", subject_id__in=customers.values("pk")),
        # What a machine says of a whole run may count others' logins.
        actor_id__isnull=False,
    )


def _nothing(rows: QuerySet[Any], _user: Any) -> QuerySet[Any]:
    return rows.none()


_NARROW: dict[type[Model], Any] = {
    Customer: lambda rows, user: rows.filter(account_manager=user),
    Login: lambda rows, user: rows.filter(customer__account_manager=user),
    ReconnectCase: lambda rows, user: rows.filter(login__customer__account_manager=user),
    Contact: lambda rows, user: rows.filter(case__login__customer__account_manager=user),
    ConnectLink: lambda rows, user: rows.filter(customer__account_manager=user),
    Letter: lambda rows, user: rows.filter(link__customer__account_manager=user),
    Run: lambda rows, user: rows.filter(opened_by=user),
    Attempt: _own_attempts,
    Call: _own_calls,
    Delivery: _own_calls,
    Event: _own_events,
    UnknownLogin: _nothing,
    Snapshot: _nothing,
    BankAccount: _nothing,
}
