"""Rows as they seldom stand, for a look at every state of cases, links, mails and webhooks."""

A_LETTER = """
    INSERT INTO logins_letter
           (kind, sample_of, language, "to", queued_at, state, tries, not_before, error)
    SELECT 'test', 'connect', 'en', 'somebody.with.a.long.name@lender.example', l.created_at,
           'failed', 5, l.created_at, 'The mail server could not be reached (EMAIL_URL).'
      FROM logins_login l ORDER BY l.id LIMIT 1"""
AN_UNKNOWN_LOGIN = """
    INSERT INTO logins_unknownlogin
           (provider_id, login_id, first_seen_at, last_seen_at, provider_state, provider_code)
    SELECT l.provider_id, '5f0c2f3a-7a0e-4f3c-9b55-0d6f3d1f7a11', l.created_at, l.created_at,
           'InvalidPassword', 'INVALID_PASSWORD'
      FROM logins_login l ORDER BY l.id LIMIT 1"""
A_DELIVERY = """
    INSERT INTO tracing_delivery
           (received_at, last_received_at, provider, kind, digest, size, times, login_id,
            request_id, tag, institution, provider_code, message, answer, state, state_reason,
            tries)
    SELECT l.created_at, l.created_at, 'flinks', 'GetAccountsDetail', hex(randomblob(16)), 54321, 2,
           l.login_id, '7a6b5c4d-3e2f-1a0b-9c8d-7e6f5a4b3c2d',
           'rf-0f1e2d3c4b5a69788796a5b4c3d2e1f0', l.institution, '', '',
           '{"HttpStatusCode": 200, "AccountCount": 3}', 'superseded',
           'A newer refresh was known already.', 1
      FROM logins_login l ORDER BY l.id LIMIT 1"""

# --- One case, from rested to closed ---

THE_CASE = "(SELECT max(id) FROM logins_reconnectcase)"
ITS_LOGIN = f"(SELECT login_id FROM logins_reconnectcase WHERE id = {THE_CASE})"
ITS_CUSTOMER = f"(SELECT customer_id FROM logins_login WHERE id = {ITS_LOGIN})"
_CASE = f"UPDATE logins_reconnectcase SET {{}} WHERE id = {THE_CASE}"
_LONG_NAME = "Compagnie-de-transport-et-de-demenagement-de-la-Gaspesie " * 3
_A_LINK = f"""
    INSERT INTO logins_connectlink
           (key, provider_id, customer_id, login_id, case_id, institution, language, made_at,
            expires_at, revoked_at, opened_at, starts, claimed_login_id, refused_why, ended_as)
    SELECT hex(randomblob(16)), l.provider_id, l.customer_id, l.id, {THE_CASE}, '', 'en',
           datetime('now', '-9 days'), datetime('now', '{{}}'), {{}}, {{}}, 3, '', '{{}}', ''
      FROM logins_login AS l WHERE l.id = {ITS_LOGIN}"""
_A_CONTACT = f"""
    INSERT INTO logins_contact (case_id, at, by_id, how, text)
    SELECT {THE_CASE}, datetime('now', '-2 days'), min(id), 'phone', '{{}}' FROM auth_user"""
CASES = {
    "case-snoozed": (_CASE.format("snoozed_until = datetime('now', '20 days')"),),
    "case-old-and-full": (
        _CASE.format("snoozed_until = NULL, reopened = 2, opened_at = datetime('now', '-60 days')"),
        f"UPDATE logins_customer SET name = '{_LONG_NAME}' WHERE id = {ITS_CUSTOMER}",
        _A_CONTACT.format("Rang twice; " * 40),
        _A_CONTACT.format("x" * 500),
        _A_LINK.format("-2 days", "NULL", "NULL", ""),
        _A_LINK.format("2 days", "datetime('now', '-1 days')", "NULL", ""),
        _A_LINK.format(
            "2 days", "NULL", "datetime('now')", "What came back belongs to another customer."
        ),
        _CASE.format("last_contact_at = datetime('now', '-2 days')"),
    ),
    "case-without-address": (f"UPDATE logins_customer SET email = '' WHERE id = {ITS_CUSTOMER}",),
    "case-closed": (_CASE.format("closed_at = datetime('now'), closed_as = 'fresh'"),),
    "case-replaced": (_CASE.format("closed_as = 'replaced'"),),
}

NO_ADDRESSES = """
    UPDATE logins_customer SET email = '' WHERE id IN (
        SELECT login.customer_id FROM logins_login AS login
        JOIN logins_reconnectcase AS case_ ON case_.login_id = login.id
        WHERE case_.closed_at IS NULL AND case_.id % 2 = 0)"""

# --- One link, from its first page to its last: where to look, how the link stands, the title ---

_LINK = "UPDATE logins_connectlink SET {} WHERE id = (SELECT max(id) FROM logins_connectlink)"
_ENDED_WITH = (
    "attempt_id = (SELECT max(id) FROM routine_attempt WHERE outcome = '{}' "
    "AND purpose = 'refresh')"
)
PUBLIC = {
    "public-start": ("", _LINK.format("language = 'en'"), "Connect your bank"),
    "public-start-french": ("", _LINK.format("language = 'fr'"), "Connectez votre banque"),
    "public-handed": (
        "wait",
        _LINK.format("language = 'en', started_at = made_at, handed_at = made_at"),
        "You went on to your bank",
    ),
    "public-fetching": (
        "wait",
        _LINK.format("refused_why = '-', returned_at = expires_at"),
        "Thank you",
    ),
    "public-refused": (
        "wait",
        _LINK.format("returned_at = datetime(made_at, '-1 hour')"),
        "We could not confirm this connection",
    ),
    "public-again": (
        "wait",
        _LINK.format(f"refused_why = '', {_ENDED_WITH.format('user_action')}"),
        "That was not finished",
    ),
    "public-later": ("wait", _LINK.format(_ENDED_WITH.format("fresh")), "Please try again later"),
    "public-done": (
        "wait",
        _LINK.format("ended_at = made_at, ended_as = 'connected'"),
        "You are connected",
    ),
}
