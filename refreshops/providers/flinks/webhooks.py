"""What Flinks sends by itself: whether it is from Flinks, whose it is, and what it means.

A GetAccountsDetail delivery is the answer to that call plus `ResponseType`, so it is judged by the
script of that call. Source: reference/flinks-api.md section 2 (webhooks).
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from refreshops.providers.contract import Answer, Delivered, Done, Policy, Result, Subject
from refreshops.providers.flinks import answers
from refreshops.providers.flinks.envelopes import KEPT_IN_ANSWER, envelope_of
from refreshops.providers.flinks.meaning import CallKind
from refreshops.providers.flinks.refreshing import CachedRefresh
from refreshops.providers.flinks.turns import Turn, turn_of
from refreshops.providers.redaction import KEEP, Allowed, Scrubber
from refreshops.providers.unpacking import is_deep
from refreshops.rules.outcomes import Outcome, Reason

SIGNATURE_HEADER = "flinks-authenticity-key"
WITH_DATA = "GetAccountsDetail"
KEPT_IN_DELIVERY: Allowed = {"ResponseType": KEEP, **KEPT_IN_ANSWER}

_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,59}")


def is_signed(body: bytes, headers: Mapping[str, str], *, key: str) -> bool:
    """Tell whether the header is base64(HMAC-SHA256(key, raw body)), letter for letter.

    False without a key, and when the header stands there twice. Takes the same time whatever is
    wrong with the header.
    """
    said = [value for name, value in headers.items() if name.lower() == SIGNATURE_HEADER]
    right = b64encode(hmac.digest(key.encode(), body, "sha256"))
    given = said[0].encode("utf-8", "replace") if len(said) == 1 else b""
    return hmac.compare_digest(given, right) and bool(key)


def read_delivery(body: Any, *, clean: Scrubber) -> Delivered:
    """Read a parsed delivery. Raises ValueError with one sentence that quotes nothing of it."""
    kind = _kind(body)
    read = answers.read(Answer(200, body))
    envelope = envelope_of(Answer(200, body), clean=clean, allowed=KEPT_IN_DELIVERY)
    login_id = _login_id(read)
    tag = "" if clean.finds_secret(read.tag) else read.tag
    if not (login_id or envelope.request_id or tag):
        raise ValueError("The delivery names no login, no request and no tag.")
    return Delivered(
        kind=kind,
        login_id=login_id,
        request_id=envelope.request_id,
        tag=tag,
        institution=envelope.institution,
        message=envelope.message,
        envelope=envelope,
        brings_data=kind == WITH_DATA,
    )


def judge_delivery(
    subject: Subject, body: Any, *, policy: Policy, now: datetime, clean: Scrubber
) -> Result:
    """Return what a delivery with bank data, or the failure to get it, teaches about its login.

    `data_state` and `bank_data.as_of` are of the delivered data, which may be older than what we
    hold. Raises ValueError for one that brings neither.
    """
    if _kind(body) != WITH_DATA:
        raise ValueError("The delivery is not about bank data.")
    heard = Answer(200, body)
    # Nobody asked, so there is no RequestId that it could fail to answer.
    state = {"step": "detail", "request_id": answers.read(heard).request_id}
    turn = turn_of(subject, state, heard, now=now, kind=CallKind.DATA, scrubber=clean)
    return _Delivery(policy=policy, scrubber=clean).judged(turn).result


class _Delivery(CachedRefresh):
    """Judges data that nobody asked for: there is nothing to wait for or to ask again."""

    def judged(self, turn: Turn) -> Done:
        """Return what the delivery ends as."""
        if turn.meaning.outcome is Outcome.PENDING:
            return self._not_believed(turn, "a delivery of something that is not ready")
        if not turn.succeeded:
            return self._end(turn)
        if turn.answer.login_id != turn.subject.login_id.lower():
            # No request of ours vouches for whose data this is.
            return self._not_believed(turn, "data that does not say whose it is")
        return self._finish(turn)

    def _not_believed(self, turn: Turn, why: str) -> Done:
        return self._end(
            turn, outcome=Outcome.PROVIDER_FAULT, reason=Reason.BAD_ANSWER, message=why
        )


def _kind(body: Any) -> str:
    if not isinstance(body, dict):
        raise ValueError("The delivery is no JSON object.")
    if is_deep(body):
        raise ValueError("The delivery is nested too deeply.")
    kind = body.get("ResponseType")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise ValueError("The delivery does not say what it is (ResponseType).")
    return kind


def _login_id(read: answers.FlinksAnswer) -> str:
    # A text that is no LoginId stays as it came in an answer; here it would be kept.
    try:
        return answers.canonical_login_id(read.login_id)
    except ValueError:
        return ""
