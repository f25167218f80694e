"""The code table's rows beyond the documented list: the customer's session, and bare statuses.

Source: seed 004 for the statuses, outcomes.md 5b and reference/flanks-api.md section 3.
"""

from refreshops.providers.flanks.meaning import CallKind
from refreshops.providers.flanks.seed_codes import REPORT
from refreshops.providers.meaning import CodeMeaning
from refreshops.rules.outcomes import Actor, Outcome, Reason, Retry

_CORRECT_KEYS = "Correct FLANKS_CLIENT_ID and FLANKS_CLIENT_SECRET in the settings, then resume."
_ANOTHER_SESSION = "Send the customer another connect link."
_AT_THE_DOOR = frozenset({CallKind.TOKEN, CallKind.STATUS, CallKind.LIST})


def _of_session(
    code: str,
    meaning: str,
    *,
    outcome: Outcome = Outcome.USER_ACTION,
    reason: Reason = Reason.NONE,
    retry: Retry = Retry.NEVER,
    next_step: str = _ANOTHER_SESSION,
    acts: Actor | None = None,
) -> CodeMeaning:
    return CodeMeaning(
        code=code,
        http_status=None,
        outcome=outcome,
        reason=reason,
        retry=retry,
        meaning=meaning,
        next_step=next_step,
        acts=acts,
    )


SESSION_ROWS = (
    _of_session(
        "INVALID_CREDENTIALS",
        "The customer typed credentials that the bank does not accept.",
        reason=Reason.CREDENTIALS,
    ),
    _of_session(
        "INVALID_CHALLENGE_RESPONSE",
        "The bank did not accept the customer's confirmation.",
        reason=Reason.MFA,
    ),
    _of_session(
        "INVALID_SCA",
        "The bank did not accept the customer's confirmation.",
        reason=Reason.MFA,
    ),
    _of_session(
        "ABORTED_BY_USER",
        "The customer left the page before it was done.",
        reason=Reason.MFA,
    ),
    _of_session(
        "USER_INTERACTION_NEEDED",
        "The bank wants the customer to do something on its own site first.",
        reason=Reason.BANK_SITE,
        next_step="Ask the customer to visit the bank's site, then send another connect link.",
    ),
    _of_session(
        "UNSUPPORTED_CHALLENGE_METHOD",
        "Flanks does not support this customer's way of confirming.",
        outcome=Outcome.LOGIN_GONE,
        next_step="Ask Flanks whether another way exists at this bank; if not, switch it off.",
    ),
    _of_session(
        "SCA_TYPE_NOT_ALLOWED",
        "Flanks does not support this customer's way of confirming.",
        outcome=Outcome.LOGIN_GONE,
        next_step="Ask Flanks whether another way exists at this bank; if not, switch it off.",
    ),
    _of_session(
        "CREDENTIALS_ALREADY_EXIST",
        "Flanks holds these bank credentials already, under another credentials_token.",
        outcome=Outcome.OUR_CONFIG,
        reason=Reason.FLOW,
        next_step="Look for the same customer and bank among the logins and join the two.",
    ),
    _of_session(
        "INTERNAL_ERROR",
        "Flanks failed while the customer was on its page.",
        outcome=Outcome.PROVIDER_FAULT,
        retry=Retry.NEXT_RUN,
    ),
    _of_session(
        "VALIDATION_ERROR",
        "Flanks could not read our request for a session.",
        outcome=Outcome.OUR_CONFIG,
        reason=Reason.FLOW,
        next_step=REPORT,
    ),
)


def _of_status(
    status: int,
    meaning: str,
    next_step: str,
    *,
    outcome: Outcome = Outcome.OUR_CONFIG,
    reason: Reason = Reason.FLOW,
    retry: Retry = Retry.NEVER,
    message: str = "",
    calls: frozenset[CallKind] = frozenset(),
) -> CodeMeaning:
    return CodeMeaning(
        code="",
        http_status=status,
        outcome=outcome,
        reason=reason,
        retry=retry,
        message_pattern=message,
        calls=calls,
        meaning=meaning,
        next_step=next_step,
    )


# Answers that carry no code at all. The row of 500 stands for every 5xx.
STATUS_ROWS = (
    _of_status(
        200,
        "The call worked.",
        "Nothing to do; the fields of the status decide how the login stands.",
        outcome=Outcome.FRESH,
        reason=Reason.NONE,
        retry=Retry.NEXT_RUN,
    ),
    _of_status(
        202,
        "Accepted; Flanks is still at work on it.",
        "Wait; we ask for the status again.",
        outcome=Outcome.PENDING,
        reason=Reason.NONE,
        retry=Retry.POLL,
    ),
    _of_status(400, "Our request was refused without a code.", REPORT),
    _of_status(
        401,
        "Our access token is not valid any more; this is not about the bank.",
        "We fetch another one by ourselves; if that is refused too, correct the FLANKS_ keys "
        "and resume.",
        reason=Reason.KEYS,
        retry=Retry.ONCE_AT_ONCE,
        message=r"invalid credentials",
    ),
    _of_status(
        401,
        "Our call carried no access token that Flanks accepts.",
        "We fetch another one by ourselves; if that is refused too, correct the FLANKS_ keys "
        "and resume.",
        reason=Reason.KEYS,
        retry=Retry.ONCE_AT_ONCE,
    ),
    _of_status(
        403,
        "Flanks does not accept our client id and secret.",
        _CORRECT_KEYS,
        reason=Reason.KEYS,
        message=r"access[_ ]denied",
    ),
    _of_status(
        403,
        "We were turned away before anybody read our client id and secret.",
        "Check the FLANKS_ keys, and whether Flanks lets our address in; then resume.",
        reason=Reason.KEYS,
        calls=_AT_THE_DOOR,
    ),
    _of_status(
        403,
        "Our contract does not cover this call.",
        "Ask Flanks to enable it, or take it out of FLANKS_PRODUCTS.",
        reason=Reason.REFUSED,
    ),
    _of_status(
        404,
        "There is nothing at this address.",
        "Check FLANKS_API_URL, then resume.",
        reason=Reason.KEYS,
        calls=_AT_THE_DOOR,
    ),
    _of_status(404, "There is nothing at the address of this call.", REPORT),
    _of_status(405, "Flanks does not take this call in this way.", REPORT),
    _of_status(409, "What we wanted to create exists already.", REPORT),
    _of_status(415, "Flanks expects another kind of content than we sent.", REPORT),
    _of_status(
        429,
        "We asked more often than Flanks allows.",
        "Nothing to do; all workers pause and ask again.",
        outcome=Outcome.THROTTLED,
        reason=Reason.TOO_FAST,
        retry=Retry.AFTER_PAUSE,
    ),
    _of_status(
        500,
        "Flanks failed by itself.",
        "Wait for the next run; after two runs send Flanks a ticket with the call.",
        outcome=Outcome.PROVIDER_FAULT,
        reason=Reason.NONE,
        retry=Retry.NEXT_RUN,
    ),
)

# Nothing came that could be looked up; keyed by the reason a conversation gives.
FAULT_ROWS = {
    Reason.NETWORK: CodeMeaning(
        code="",
        http_status=None,
        outcome=Outcome.PROVIDER_FAULT,
        reason=Reason.NETWORK,
        retry=Retry.NEXT_RUN,
        meaning="Flanks did not answer: the connection failed or took too long.",
        next_step="We ask again by ourselves; if it stays so, check the network and ask Flanks.",
    ),
    Reason.BAD_ANSWER: CodeMeaning(
        code="",
        http_status=None,
        outcome=Outcome.PROVIDER_FAULT,
        reason=Reason.BAD_ANSWER,
        retry=Retry.NEXT_RUN,
        meaning="Flanks answered something it does not document, so nothing of it was believed.",
        next_step="We ask again by ourselves; after two runs send Flanks a ticket with the call.",
    ),
}
