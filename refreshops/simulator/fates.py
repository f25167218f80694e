"""What a login's last nightly refresh ended as, and so what each call about it is told.

Rows: seed 001, then section 5 of the API notes, then what no document knows.
A new row here is at once reachable through the control endpoints by its name.
"""

from dataclasses import dataclass
from enum import StrEnum


class Session(StrEnum):
    """What the RequestId of an Authorize answer is good for."""

    OPEN = "open"  # the data can be read with it
    LOCKED = "locked"  # data calls answer UNAUTHORIZED: nobody finished the authorization
    ENDED = "ended"  # data calls answer SESSION_NONEXISTENT
    NONE = "none"  # the answer carries no RequestId


class Refreshed(StrEnum):
    """How long ago the last good refresh was."""

    LAST_NIGHT = "last_night"
    FEW_DAYS = "few_days"  # stale, but inside a week
    LONG_AGO = "long_ago"  # beyond a week
    NEVER = "never"


class Live(StrEnum):
    """What a live Authorize says to this login."""

    SAME = "same"
    CHALLENGE = "challenge"  # 203 with security challenges
    SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Fate:
    """One ending. `at_data`: the code is spoken by the data calls, after an Authorize of 200.

    `times`: how many data calls hear it before all is well (None: every one).
    """

    name: str
    status: int = 200
    code: str | None = None
    message: str | None = None
    at_data: bool = False
    times: int | None = None
    session: Session = Session.OPEN
    refreshed: Refreshed = Refreshed.FEW_DAYS
    live: Live = Live.SAME
    pending: bool = False

    @property
    def succeeds(self) -> bool:
        """Whether a cached Authorize is answered with a plain success."""
        return self.status < 202 or self.at_data


PENDING_MESSAGE = "Your operation is still processing"
DISPATCHED_MESSAGE = (
    "Your operations had been dispatched to background process for long running jobs"
)
UNKNOWN_LOGIN_MESSAGE = (
    "The LoginId provided is either invalid or does not belong to the CustomerId"
)
BAD_CREDENTIALS_MESSAGE = "The card number (username) or password provided is invalid"
UNAUTHORIZED_MESSAGE = "You need to be authorized in the bank account before going further."
NO_SESSION_MESSAGE = "Inputs session id or card if were not found."
CHALLENGE_KEY_MESSAGE = (
    "One or more of the Security Challenge Prompts required are missing in the provided response"
)
AUTH_KEY_MESSAGE = "You must provide a valid auth key"
AUTHORIZE_TOKEN_MESSAGE = "You must provide a valid authorize token"  # noqa: S105
TOO_MANY_MESSAGE = "Too many requests in a given amount of time"
BAD_REQUEST_MESSAGE = "The request is invalid: a value is missing or its syntax is incorrect"

SUCCESS = Fate("success", refreshed=Refreshed.LAST_NIGHT, live=Live.SUCCESS)


def _pending(name: str, code: str, message: str, *, at_data: bool = True) -> Fate:
    return Fate(
        name,
        202,
        code,
        message,
        at_data=at_data,
        refreshed=Refreshed.LAST_NIGHT,
        live=Live.SUCCESS,
        pending=True,
    )


def _mfa(name: str, code: str, message: str | None = None) -> Fate:
    return Fate(name, 401, code, message, live=Live.CHALLENGE)


def _hiccup(name: str, status: int, code: str, message: str | None, times: int | None) -> Fate:
    return Fate(
        name,
        status,
        code,
        message,
        at_data=True,
        times=times,
        refreshed=Refreshed.LAST_NIGHT,
        live=Live.SUCCESS,
    )


# The 21 rows of seed 001, in its order; a row that can be met at two places stands twice.
SEED_ROWS = (
    SUCCESS,
    _pending("operation_pending", "OPERATION_PENDING", PENDING_MESSAGE),
    _pending("operation_pending_at_authorize", "OPERATION_PENDING", PENDING_MESSAGE, at_data=False),
    _pending("operation_dispatched", "OPERATION_DISPATCHED", DISPATCHED_MESSAGE),
    Fate("invalid_login_id", 400, "INVALID_LOGIN", UNKNOWN_LOGIN_MESSAGE, session=Session.NONE),
    Fate("invalid_login_credentials", 400, "INVALID_LOGIN", BAD_CREDENTIALS_MESSAGE),
    Fate("invalid_request", 400, "INVALID_REQUEST", BAD_REQUEST_MESSAGE, session=Session.NONE),
    _hiccup("session_nonexistent_once", 400, "SESSION_NONEXISTENT", None, 1),
    _hiccup("session_nonexistent_at_data", 400, "SESSION_NONEXISTENT", None, None),
    Fate("session_nonexistent", 400, "SESSION_NONEXISTENT", NO_SESSION_MESSAGE,
         session=Session.NONE),
    Fate("card_in_use", 400, "CARD_IN_USE", session=Session.NONE),
    Fate("invalid_username", 401, "INVALID_USERNAME"),
    Fate("invalid_password", 401, "INVALID_PASSWORD"),
    _mfa("invalid_security_response", "INVALID_SECURITY_RESPONSE"),
    _mfa("question_not_found", "QUESTION_NOT_FOUND"),
    Fate("retry_later", 401, "RETRY_LATER"),
    _mfa("unknown_challenge_key", "UNKNOWN_CHALLENGE_KEY", CHALLENGE_KEY_MESSAGE),
    Fate("concurrent_session", 401, "CONCURRENT_SESSION", session=Session.NONE),
    Fate("unauthorized", 401, "UNAUTHORIZED", UNAUTHORIZED_MESSAGE, session=Session.LOCKED),
    _hiccup("unauthorized_at_data", 401, "UNAUTHORIZED", UNAUTHORIZED_MESSAGE, None),
    Fate("disabled_login", 401, "DISABLED_LOGIN", refreshed=Refreshed.LONG_AGO),
    Fate("new_account", 401, "NEW_ACCOUNT", session=Session.LOCKED, refreshed=Refreshed.NEVER),
    Fate("session_expired", 401, "SESSION_EXPIRED", session=Session.ENDED),
    _hiccup("session_expired_once", 401, "SESSION_EXPIRED", None, 1),
    Fate("already_authorized", 401, "ALREADY_AUTHORIZED", refreshed=Refreshed.LAST_NIGHT,
         live=Live.SUCCESS),
    _mfa("securityresponses_incomplete", "SECURITYRESPONSES_INCOMPLETE"),
)  # fmt: skip

# Section 5 of the API notes: other codes, and the same codes with another status.
EXTRA_ROWS = (
    Fate("ok", 200, "OK", refreshed=Refreshed.LAST_NIGHT, live=Live.SUCCESS),
    Fate("created", 201, "CREATED", refreshed=Refreshed.LAST_NIGHT, live=Live.SUCCESS),
    Fate("invalid_login_id_401", 401, "INVALID_LOGIN", UNKNOWN_LOGIN_MESSAGE, session=Session.NONE),
    Fate("invalid_login_credentials_401", 401, "INVALID_LOGIN", BAD_CREDENTIALS_MESSAGE),
    Fate("invalid_login_without_message", 400, "INVALID_LOGIN"),
    Fate("invalid_request_401", 401, "INVALID_REQUEST", BAD_REQUEST_MESSAGE, session=Session.NONE),
    Fate("session_expired_400", 400, "SESSION_EXPIRED", session=Session.ENDED),
    _mfa("invalid_security_response_no_retry", "INVALID_SECURITY_RESPONSE_NO_RETRY"),
    Fate("disabled_institution", 405, "DISABLED_INSTITUTION"),
    Fate("aggregation_error", 500, "AGGREGATION_ERROR"),
    Fate("bank_maintenance", 401, "BANK_MAINTENANCE_RETRY_LATER"),
    Fate("bank_maintenance_spaced", 401, "BANK MAINTENANCE_RETRY_LATER"),
    Fate("bank_maintenance_misspelt", 401, "BANK_MAINTENENACE_RETRY_LATER"),
    _hiccup("no_transaction", 400, "NO_TRANSACTION", None, None),
    _hiccup("method_not_available", 403, "METHOD_NOT_AVAILABLE", None, None),
)

# No code of their own: a success whose date gives it away, and a code no document knows.
OTHER_ROWS = (
    Fate("stale", live=Live.SUCCESS),
    Fate("expired", refreshed=Refreshed.LONG_AGO, live=Live.SUCCESS),
    Fate("never_refreshed", refreshed=Refreshed.NEVER, live=Live.SUCCESS),
    Fate("invented_code", 401, "VAULT_TIDE_TOO_LOW", "The vault cannot be reached at low tide"),
)

# These speak about us, not about one login; as the fate of a login they would stop a whole run,
# so no scenario deals them out. Wrong keys and the throttle produce them in earnest.
RUN_STOPPERS = (
    Fate("access_denied", 401, "ACCESS_DENIED", "Authentication unsuccessful",
         session=Session.NONE),
    Fate("auth_key_refused", 401, "UNAUTHORIZED", AUTH_KEY_MESSAGE, session=Session.NONE),
    Fate("too_many_requests", 401, "TOO_MANY_REQUESTS",
         TOO_MANY_MESSAGE, session=Session.NONE),
)  # fmt: skip

FATES = {fate.name: fate for fate in (*SEED_ROWS, *EXTRA_ROWS, *OTHER_ROWS, *RUN_STOPPERS)}

# A nightly refresh that ended with one of these is tried again the next night
# (API notes, section 4); any other code drops the login out at once.
STAYS_ELIGIBLE = frozenset(
    {
        "RETRY_LATER",
        "AGGREGATION_ERROR",
        "SESSION_EXPIRED",
        "DISABLED_INSTITUTION",
        "UNAUTHORIZED",
        "SESSION_NONEXISTENT",
        "BANK_MAINTENANCE_RETRY_LATER",
        "BANK MAINTENANCE_RETRY_LATER",
        "BANK_MAINTENENACE_RETRY_LATER",
        # No refresh ended with these: they say what the moment of asking was like.
        "OPERATION_PENDING",
        "OPERATION_DISPATCHED",
        "ALREADY_AUTHORIZED",
        "CONCURRENT_SESSION",
        "CARD_IN_USE",
        "OK",
        "CREATED",
    }
)
