"""Connect links: making, finding and revoking them. Source: issue 5 B.

A link's address holds the link's key and a signature over it; the signature is kept nowhere, so
that nobody who reads the database can make an address of it.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils.crypto import salted_hmac

from refreshops.logins.models import ConnectLink, Customer, Language, Login, Provider, ReconnectCase
from refreshops.tracing.events import Action, note

# A key in hexadecimal, a point, a signature: longer is not looked at.
LONGEST_TOKEN = 100
MOST_STARTS = 20

_SIGNER = Signer(salt="connect link", sep=".")


def make(
    *,
    provider: Provider,
    customer: Customer,
    by: Any,
    now: datetime,
    lives: timedelta,
    login: Login | None = None,
    case: ReconnectCase | None = None,
    institution: str = "",
    language: str = "",
) -> ConnectLink:
    """Make a link for `customer`: to reconnect `login`, or without one to connect a first bank."""
    with transaction.atomic():
        link = ConnectLink.objects.create(
            provider=provider,
            customer=customer,
            login=login,
            case=case,
            institution=login.institution if login else institution[:100],
            language=language or customer.language or Language.ENGLISH.value,
            made_at=now,
            made_by=by,
            expires_at=now + lives,
        )
        note(
            Action.MAKE_LINK,
            by=by,
            at=now,
            provider=provider.name,
            subject=_subject(link),
            details={"link": link.pk, "expires_at": link.expires_at.isoformat()},
        )
    return link


def revoke(link: ConnectLink, *, by: Any, now: datetime) -> bool:
    """Let a link lead nowhere from now on; False when it did so already."""
    with transaction.atomic():
        living = ConnectLink.objects.filter(
            pk=link.pk, revoked_at__isnull=True, ended_at__isnull=True
        )
        revoked = bool(
            living.update(revoked_at=now, revoked_by=by, sealed_handover=None, handover_until=None)
        )
        if revoked:
            details = {"link": link.pk}
            note(Action.REVOKE_LINK, by=by, at=now, subject=_subject(link), details=details)
    return revoked


def _subject(link: ConnectLink) -> tuple[str, int]:
    return ("login", link.login_id) if link.login_id else ("customer", link.customer_id)


def token_of(link: ConnectLink) -> str:
    """Return the secret part of a link's address. Never store, log or show it to anybody else."""
    return _SIGNER.sign(link.key.hex)


def address(link: ConnectLink, *, public_url: str) -> str:
    """Return the whole address of a link; `public_url` is the setting, never a request's host."""
    return f"{public_url.rstrip('/')}/connect/{token_of(link)}/"


def find(token: str, *, now: datetime) -> ConnectLink | None:
    """Return the link of a token that is genuine, alive and not revoked; else None, whatever is
    wrong with it.

    One that has ended is returned: whoever opens it again is told that all is done. A forged token
    takes as long as a genuine one: the row is looked for in any case.
    """
    key, genuine = _read(token)
    link = (
        ConnectLink.objects.filter(key=key)
        .select_related("provider", "customer", "login", "case")
        .first()
    )
    if link is None or not genuine or link.revoked_at is not None:
        return None
    return link if link.ended_at is not None or now < link.expires_at else None


def session_mark(session_id: str) -> str:
    """Return what a link keeps of a session at the provider: enough to know it again by.

    A keyed digest, so that nobody who reads the database can come back as somebody else.
    """
    if not session_id:
        return ""
    return salted_hmac("session of a connect link", session_id, algorithm="sha256").hexdigest()


def key_of(token: str) -> uuid.UUID | None:
    """Return the key in a genuine token, else None; whether its link is alive is not looked at."""
    key, genuine = _read(token)
    return key if genuine else None


def _read(token: str) -> tuple[uuid.UUID, bool]:
    try:
        return uuid.UUID(_SIGNER.unsign(token[:LONGEST_TOKEN])), True
    except (BadSignature, ValueError):
        return uuid.UUID(int=0), False
