"""The code table's rows that Flanks documents in its list of error codes (seed 004)."""

from refreshops.providers.flanks.meaning import CallKind
from refreshops.providers.meaning import CodeMeaning
from refreshops.rules.outcomes import Actor, Outcome, Reason, Retry

ASK_TO_RECONNECT = "Send the customer a connect link; do not retry."
REPORT = "Read the message and the parameters of the call; report it to the developers."
# These calls name nothing but one login.
_ABOUT_A_LOGIN = frozenset({CallKind.STATUS, CallKind.DATA, CallKind.FORCE, CallKind.DELETE})

SEED_ROWS = (
    CodeMeaning(
        code="20001",
        http_status=400,
        outcome=Outcome.PROVIDER_FAULT,
        reason=Reason.PARTIAL,
        retry=Retry.NEXT_RUN,
        meaning="INCOMPLETE: Flanks could not fetch a part of this login's data.",
        next_step="The rest is kept and the missing part named; after two days open a ticket "
        "with Flanks.",
    ),
    CodeMeaning(
        code="20002",
        http_status=400,
        outcome=Outcome.PENDING,
        retry=Retry.POLL,
        meaning="PROCESSING: Flanks is still fetching this login's data.",
        next_step="Wait; we ask for its status by the minute for an hour, then seldom.",
    ),
    CodeMeaning(
        code="20003",
        http_status=400,
        outcome=Outcome.PENDING,
        retry=Retry.POLL,
        meaning="SCA_ERROR: Flanks checks the quality of this login's data, which takes one to "
        "two days. The customer has nothing to do.",
        next_step="Wait; we ask seldom, and after two days open a ticket with Flanks.",
    ),
    CodeMeaning(
        code="20003",
        http_status=202,
        outcome=Outcome.PENDING,
        retry=Retry.POLL,
        meaning="SCA_ERROR: the login was accepted and waits for Flanks's security checks. "
        "The customer has nothing to do.",
        next_step="Wait; we ask seldom, and after two days open a ticket with Flanks.",
    ),
    CodeMeaning(
        code="40001",
        http_status=400,
        message_pattern=r"missing (required )?fields?",
        outcome=Outcome.OUR_CONFIG,
        reason=Reason.FLOW,
        retry=Retry.NEVER,
        meaning="CONFIGURATION_ERROR: our request lacks a field.",
        next_step=REPORT,
    ),
    CodeMeaning(
        code="40001",
        http_status=400,
        message_pattern=r"^(?!.*\bapplication\b).*does not exist",
        calls=_ABOUT_A_LOGIN,
        outcome=Outcome.LOGIN_GONE,
        reason=Reason.UNKNOWN_LOGIN,
        retry=Retry.NEVER,
        meaning="CONFIGURATION_ERROR: Flanks holds no such credentials_token.",
        next_step="Check it with the account manager; if every login says this, check "
        "FLANKS_CLIENT_ID and FLANKS_API_URL.",
    ),
    CodeMeaning(
        code="40001",
        http_status=400,
        message_pattern=r"does not exist",
        outcome=Outcome.OUR_CONFIG,
        reason=Reason.FLOW,
        retry=Retry.NEVER,
        meaning="CONFIGURATION_ERROR: something our request names does not exist at Flanks.",
        next_step=REPORT,
    ),
    CodeMeaning(
        code="40001",
        http_status=400,
        message_pattern=r"\binvalid\b",
        outcome=Outcome.OUR_CONFIG,
        reason=Reason.FLOW,
        retry=Retry.NEVER,
        meaning="CONFIGURATION_ERROR: a value in our request is not valid.",
        next_step=REPORT,
    ),
    CodeMeaning(
        code="40001",
        http_status=409,
        outcome=Outcome.OUR_CONFIG,
        reason=Reason.FLOW,
        retry=Retry.NEVER,
        meaning="CONFIGURATION_ERROR: this exists already; bank credentials are unique in a "
        "company.",
        next_step="Look for the same customer and bank among the logins and join the two.",
    ),
    CodeMeaning(
        code="40001",
        http_status=400,
        outcome=Outcome.OUR_CONFIG,
        reason=Reason.FLOW,
        retry=Retry.NEVER,
        meaning="CONFIGURATION_ERROR: Flanks does not accept our request.",
        next_step=REPORT,
    ),
    CodeMeaning(
        code="50001",
        http_status=400,
        outcome=Outcome.INSTITUTION_UNAVAILABLE,
        retry=Retry.NEXT_RUN,
        meaning="BANK_ERROR: the bank could not be reached, or failed itself.",
        next_step="Wait: Flanks tries again by itself within a day.",
        stays_nightly=True,
    ),
    CodeMeaning(
        code="50002",
        http_status=400,
        outcome=Outcome.USER_ACTION,
        reason=Reason.CREDENTIALS,
        retry=Retry.NEVER,
        meaning="CREDENTIALS_ERROR: the bank does not accept the user name or password.",
        next_step=ASK_TO_RECONNECT,
    ),
    CodeMeaning(
        code="50003",
        http_status=400,
        outcome=Outcome.USER_ACTION,
        reason=Reason.MFA,
        retry=Retry.NEVER,
        meaning="SCA_REQUIRED: the bank wants the customer to confirm it is them.",
        next_step=ASK_TO_RECONNECT,
    ),
)

# One status object, from the strongest sign to the weakest (outcomes.md 5b).
FIELD_ROWS = (
    CodeMeaning(
        code="blocked",
        http_status=200,
        outcome=Outcome.USER_ACTION,
        reason=Reason.CREDENTIALS,
        retry=Retry.NEVER,
        meaning="The bank no longer lets Flanks in with these credentials.",
        next_step=ASK_TO_RECONNECT,
        reads_data=True,
    ),
    CodeMeaning(
        code="sca_token",
        http_status=200,
        outcome=Outcome.USER_ACTION,
        reason=Reason.MFA,
        retry=Retry.NEVER,
        meaning="The bank wants the customer to confirm it is them (SCA).",
        next_step=ASK_TO_RECONNECT,
        reads_data=True,
    ),
    CodeMeaning(
        code="reset_token",
        http_status=200,
        outcome=Outcome.USER_ACTION,
        reason=Reason.CREDENTIALS,
        retry=Retry.NEVER,
        meaning="Flanks waits for new credentials because we asked for them; nothing is blocked.",
        next_step="See whether a connect link is under way; if not, send one.",
        reads_data=True,
    ),
    CodeMeaning(
        code="pending",
        http_status=200,
        outcome=Outcome.PENDING,
        retry=Retry.POLL,
        meaning="Flanks still fetches this login's data for the first time.",
        next_step="Wait; after two days it counts as a fault of Flanks.",
    ),
    CodeMeaning(
        code="created",
        http_status=200,
        outcome=Outcome.PENDING,
        retry=Retry.POLL,
        meaning="A kind of data we ask for was not fetched yet; shown as `pending`.",
        next_step="Wait; the others are kept, and after two days it counts as missing.",
        reads_data=True,
    ),
    CodeMeaning(
        code="errored",
        http_status=200,
        outcome=Outcome.PROVIDER_FAULT,
        reason=Reason.PARTIAL,
        retry=Retry.NEXT_RUN,
        meaning="A kind of data failed at Flanks; the others are good.",
        next_step="The message names what is missing; after two days open a ticket with Flanks.",
        reads_data=True,
    ),
    CodeMeaning(
        code="transaction_token",
        http_status=200,
        outcome=Outcome.FRESH,
        retry=Retry.NEXT_RUN,
        meaning="Older transactions wait for the customer; this alone changes no outcome.",
        next_step="Nothing to do, unless the older transactions are wanted.",
        reads_data=True,
    ),
    CodeMeaning(
        code="last_update_timestamp",
        http_status=200,
        outcome=Outcome.STALE,
        retry=Retry.NEXT_RUN,
        acts=Actor.OPERATIONS,
        meaning="Nothing is wrong, but Flanks finished its last refresh longer ago than we accept, "
        "or does not say when.",
        next_step="Ask Flanks why it stopped refreshing: nobody can make it refresh.",
        reads_data=True,
    ),
)
