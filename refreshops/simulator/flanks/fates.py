"""What a Flanks credential's last extraction ended as: every row of seed 004, every status field.

`FLANKS_FATES` is the closed list. Each fate tells the outcome a reader of the documents expects
(outcomes.md 5b) once nothing is pending any more, and the code or the status field that says so.
"""

from dataclasses import dataclass
from enum import StrEnum

# Of `created` and `errored` (flanks-api.md section 2).
PRODUCTS = ("auth", "account", "card", "portfolio", "investment", "liability", "holders")
TRANSACTIONS = ("account", "card", "investment", "liability")

RETRIEVING = "Retrieving user data. Please try again in a moment."
NOT_AVAILABLE = "User data not available. Please try again later."
CHECKING = "Making security checks. Your account will be activated in 24-48 hours."
NOT_THERE = "A credentials_token with this value does not exist"


class Updated(StrEnum):
    """When the last extraction finished, or what stands in place of that."""

    LAST_NIGHT = "last_night"
    FEW_DAYS = "few_days"
    LONG_AGO = "long_ago"
    ZERO = "zero"  # a timestamp of 0
    MISSING = "missing"  # no timestamp, no date
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Spoken:
    """One documented refusal: HTTP status, text, and the numeric code if it has one."""

    status: int
    text: str
    code: int | None = None
    key: str = "error"  # 202 says `message`


@dataclass(frozen=True, slots=True)
class FlanksFate:
    """One ending; the defaults are those of a night that went well.

    `passing`: it is over after the pending polls. `refusal` with `refused` products is spoken by
    their data calls (`heals`: after the pending asks); without, by the status and all data calls.
    `stored`: `ignore_data_error` brings data for the products that are errored or refused.
    `old`: it is under way since days, and never ends.
    """

    name: str
    outcome: str = "fresh"
    code: str = ""
    blocked: bool = False
    tokens: tuple[str, ...] = ()
    pending: bool = False
    not_created: tuple[str, ...] = ()
    errored: tuple[str, ...] = ()
    errored_transactions: tuple[str, ...] = ()
    refusal: Spoken | None = None
    refused: tuple[str, ...] = ()
    heals: bool = False
    stored: bool = True
    updated: Updated = Updated.LAST_NIGHT
    milliseconds: bool = False
    plural: bool = False
    nulls: tuple[str, ...] = ()  # "status", "data"
    quiet: bool = False
    empty: bool = False
    exists: bool = True
    old: bool = False

    @property
    def under_way(self) -> bool:
        """Whether the status says that the first extraction is not over."""
        return self.pending or bool(self.not_created)

    @property
    def passing(self) -> bool:
        """Whether a few polls end it."""
        return (self.under_way or self.heals) and not self.old

    @property
    def goes_well(self) -> bool:
        """Whether the nights refresh it."""
        return self.outcome in ("fresh", "provider_fault") and self.exists and not self.old


def _says(name: str, outcome: str, status: int, text: str, code: int | None = None) -> FlanksFate:
    return FlanksFate(
        name, outcome, str(code or ""), refusal=Spoken(status, text, code),
        updated=Updated.FEW_DAYS,
    )  # fmt: skip


OK = FlanksFate("ok")
OK_MILLISECONDS = FlanksFate("ok_milliseconds", milliseconds=True)
OK_PLURAL = FlanksFate("ok_plural_transactions", plural=True)
ERRORED_ALL = FlanksFate(
    "errored_everything", "provider_fault", "errored", errored=PRODUCTS,
    errored_transactions=TRANSACTIONS,
)  # fmt: skip
BANK_ERROR = _says(
    "bank_error", "institution_unavailable", 400,
    "The connection with the bank can not be established at the moment", 50001,
)  # fmt: skip
DOES_NOT_EXIST = FlanksFate(
    "does_not_exist", "login_gone", "40001", refusal=Spoken(400, NOT_THERE, 40001), exists=False
)

WELL = (
    OK,
    OK_MILLISECONDS,
    OK_PLURAL,
    FlanksFate("quiet_account", quiet=True),
    FlanksFate("empty_lists", empty=True),
    FlanksFate("nulls_in_data", nulls=("data",)),
    FlanksFate("nulls_in_status", nulls=("status",)),
    FlanksFate("transaction_token", tokens=("transaction_token",)),
)
STALE = (
    FlanksFate("stale", "stale", updated=Updated.FEW_DAYS),
    FlanksFate("expired", "stale", updated=Updated.LONG_AGO),
    FlanksFate("timestamp_zero", "stale", updated=Updated.ZERO),
    FlanksFate("timestamp_missing", "stale", updated=Updated.MISSING),
    FlanksFate("timestamp_future", "stale", updated=Updated.FUTURE),
)
FOR_THE_CUSTOMER = (
    FlanksFate("blocked", "user_action", "blocked", blocked=True, tokens=("reset_token",),
               updated=Updated.FEW_DAYS),
    FlanksFate("blocked_without_token", "user_action", "blocked", blocked=True,
               updated=Updated.FEW_DAYS),
    FlanksFate("sca_needed", "user_action", "sca_token", tokens=("sca_token",),
               updated=Updated.FEW_DAYS),
    FlanksFate("reset_forced", "user_action", "reset_token", tokens=("reset_token",)),
    _says("credentials_error", "user_action", 400, "Incorrect bank credentials provided", 50002),
    _says("sca_required", "user_action", 400,
          "Bank requires SCA authorization in order to connect", 50003),
)  # fmt: skip
UNDER_WAY = (
    FlanksFate("initial_pending", pending=True, not_created=PRODUCTS[2:]),
    *(FlanksFate(f"not_created_{product}", not_created=(product,)) for product in PRODUCTS),
    FlanksFate("pending_too_long", "provider_fault", "pending", pending=True,
               not_created=PRODUCTS[2:], old=True, updated=Updated.MISSING),
    FlanksFate("processing", heals=True, refused=("portfolio",),
               refusal=Spoken(400, RETRIEVING, 20002)),
    FlanksFate("processing_everything", heals=True, refused=PRODUCTS,
               refusal=Spoken(400, RETRIEVING, 20002)),
)  # fmt: skip
# A day or two: only whoever waits that long hears the end of it.
SECURITY_CHECKS = (
    _says("security_checks", "pending", 400, CHECKING, 20003),
    FlanksFate(
        "token_delayed", "pending", "20003",
        refusal=Spoken(202, "Token is delayed during security checks", 20003, key="message"),
    ),
)  # fmt: skip
PARTIAL = (
    *(
        FlanksFate(f"errored_{product}", "provider_fault", "errored", errored=(product,))
        for product in PRODUCTS
    ),
    *(
        FlanksFate(f"errored_transaction_{kind}", "provider_fault", "errored",
                   errored_transactions=(kind,))
        for kind in TRANSACTIONS
    ),
    ERRORED_ALL,
    FlanksFate("incomplete", "provider_fault", "20001", refused=("investment",),
               refusal=Spoken(400, NOT_AVAILABLE, 20001)),
    FlanksFate("incomplete_without_data", "provider_fault", "20001", refused=("investment",),
               refusal=Spoken(400, NOT_AVAILABLE, 20001), stored=False),
)  # fmt: skip
REFUSED = (
    DOES_NOT_EXIST,
    _says("missing_fields", "our_config", 400, "Missing fields: credentials_token", 40001),
    _says("invalid_parameter", "our_config", 400, "Invalid credentials_token", 40001),
    _says("already_exists", "our_config", 409,
          "A credentials_token with this value already exists", 40001),
    BANK_ERROR,
    _says("bank_error_500", "institution_unavailable", 500, "The bank returns a server error",
          50001),
    _says("method_not_allowed", "our_config", 405, "Method not allowed"),
    _says("unsupported_media", "our_config", 415, "Not matching body content type"),
    _says("internal_error", "provider_fault", 500, "Internal Error"),
    _says("invented_code", "unknown", 400, "The tide is too low at this office", 60001),
)  # fmt: skip

CODES = (*WELL, *STALE, *FOR_THE_CUSTOMER, *UNDER_WAY, *SECURITY_CHECKS, *PARTIAL, *REFUSED)

# These speak about us, not about one credential: no scenario deals them out.
RUN_STOPPERS = (
    _says("forbidden", "our_config", 403, "access_denied"),
    _says("token_refused", "our_config", 401, "Invalid credentials"),
    _says("too_many_requests", "throttled", 429, "Too many requests"),
)

FLANKS_FATES = {fate.name: fate for fate in (*CODES, *RUN_STOPPERS)}
