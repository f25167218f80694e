"""Deleting what asking a customer back has left here: cases, contacts, connect links and mails.

Nothing of it is evidence: what was ordered stands in runs, the story and the calls. It runs in the
transaction that forgets a login or erases a customer (`erasing`). Source: issues 3 E and 5.
"""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from refreshops.logins.models import ConnectLink, Customer, Login, ReconnectCase
from refreshops.routine import connecting
from refreshops.routine.models import Attempt
from refreshops.rules.lifecycle import AttemptState, Origin, Purpose
from refreshops.tracing import erasure

# What runs for nobody's login yet: an invitation, and a LoginId that a browser brought back.
LOGINLESS = (Purpose.INVITE.value, Purpose.CONNECT.value)
ENDED = (AttemptState.DONE.value, AttemptState.CANCELLED.value)


def revoke_all(customer: Customer, *, by: Any, now: datetime) -> int:
    """Let no link of a customer lead anywhere: whoever is to be erased connects nothing more."""
    living = ConnectLink.objects.filter(
        customer=customer, revoked_at__isnull=True, ended_at__isnull=True
    )
    return living.update(revoked_at=now, revoked_by=by, sealed_handover=None, handover_until=None)


def forget_login(login: Login) -> None:
    """Delete the cases of a login with their contacts, and its links with their mails.

    A link that first brought the login is the customer's, and loses its id alone.
    """
    ReconnectCase.objects.filter(login=login).delete()
    ConnectLink.objects.filter(login=login).delete()
    ConnectLink.objects.filter(
        customer_id=login.customer_id, claimed_login_id=login.login_id
    ).update(claimed_login_id="")
    claims = Attempt.objects.filter(purpose=Purpose.CONNECT.value, login=login, state__in=ENDED)
    claims.update(claimed_login_id="")


def forget_customer(customer: Customer) -> None:
    """Delete every case, contact, link and mail of a customer, and empty what their returns left.

    What was said about a LoginId that is nobody's here is stripped as that of a login is.
    """
    ReconnectCase.objects.filter(login__customer=customer).delete()
    links = ConnectLink.objects.filter(customer=customer)
    tried = returns_of(customer).filter(state__in=ENDED)
    claimed = set(links.values_list("provider__name", "claimed_login_id"))
    claimed |= set(tried.values_list("run__provider__name", "claimed_login_id"))
    for provider, login_id in sorted(claimed):
        _strip_if_nobodys(provider, login_id)
    keys = list(tried.order_by("pk").values_list("pk", flat=True))
    Attempt.objects.filter(pk__in=keys).update(claimed_login_id="", message="")
    links.delete()


def _strip_if_nobodys(provider: str, login_id: str) -> None:
    """Strip the trace of a claimed LoginId, unless it is the login of somebody here."""
    known = Login.objects.filter(provider__name=provider, login_id=login_id)
    if login_id and not known.exists():
        erasure.strip(provider=provider, login_id=login_id)


def returns_of(customer: Customer) -> QuerySet[Attempt]:
    """Return the attempts that a customer set going by a link and that belong to no login."""
    links = ConnectLink.objects.filter(customer=customer).only("pk")
    return Attempt.objects.filter(
        run__reason__in=[connecting.reason_of(link) for link in links],
        purpose__in=LOGINLESS,
        login__isnull=True,
        run__origin=Origin.CONNECT.value,
    )
