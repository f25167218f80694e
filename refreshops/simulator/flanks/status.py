"""The status object of a credential (flanks-api.md section 2)."""

from datetime import UTC
from typing import Any

from refreshops.simulator.flanks.fates import PRODUCTS, TRANSACTIONS, Updated
from refreshops.simulator.flanks.world import Credential


def status_of(credential: Credential, *, working: bool) -> dict[str, Any]:
    """Return the object; `working`: what its fate has under way is not over yet."""
    fate = credential.fate
    inner = "transactions" if fate.plural else "transaction"
    missing = set(fate.not_created) if working else set()
    if working and not missing:
        missing = set(PRODUCTS)
    value: dict[str, Any] = {
        "pending": working and (fate.pending or not fate.not_created),
        "blocked": fate.blocked,
        "reset_token": credential.tokens.get("reset_token"),
        "last_transaction_date": credential.last_transaction_on.isoformat(),
        "sca_token": credential.tokens.get("sca_token"),
        "transaction_token": credential.tokens.get("transaction_token"),
        "name": credential.bank.name,
        **_times(credential),
        "created_at_timestamp": stamp(credential, credential.created_at.timestamp()),
        "errored": {
            "product": {name: name in fate.errored for name in PRODUCTS},
            inner: {name: name in fate.errored_transactions for name in TRANSACTIONS},
        },
        "created": {
            "product": {name: name not in missing for name in PRODUCTS},
            inner: {name: name not in missing for name in TRANSACTIONS},
        },
    }
    if "status" in fate.nulls:
        kept = ("last_update_timestamp",)
        value = {name: value[name] if name in kept else None for name in value}
    return laid_over(value, credential.overrides)


def laid_over(value: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `value` with `changes`, objects inside objects merged; "absent" leaves a key out."""
    merged = dict(value)
    for name, change in changes.items():
        inside = merged.get(name)
        if change == "absent":
            merged.pop(name, None)
        elif isinstance(change, dict) and isinstance(inside, dict):
            merged[name] = laid_over(inside, change)
        else:
            merged[name] = change
    return merged


def stamp(credential: Credential, seconds: float) -> int:
    """Return epoch seconds in the unit this credential is told in: the documents name none."""
    return int(seconds * 1000) if credential.fate.milliseconds else int(seconds)


def _times(credential: Credential) -> dict[str, Any]:
    updated_at = credential.updated_at
    if updated_at is None and credential.fate.updated is Updated.ZERO:
        return {"last_update": "1970-01-01", "time": "00:00", "last_update_timestamp": 0}
    if updated_at is None:
        return {"last_update": None, "time": None, "last_update_timestamp": None}
    moment = updated_at.astimezone(UTC)
    return {
        "last_update": moment.date().isoformat(),
        "time": moment.strftime("%H:%M"),
        "last_update_timestamp": stamp(credential, moment.timestamp()),
    }
