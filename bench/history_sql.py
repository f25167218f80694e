"""The statements that write an invented history, a run at a time; SQLite and PostgreSQL."""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection

ATTEMPTS = """
    INSERT INTO routine_attempt
           (run_id, login_id, purpose, state, rank, paced, not_before, lease_until, lease_token,
            starts, conversation, waits_for, outcome, outcome_reason, data_state, provider_code,
            message, verified, finished_at)
    SELECT %(run)s, l.id, %(purpose)s,
           CASE WHEN l.n <= %(done)s THEN 'done'
                WHEN l.n <= %(calling)s THEN 'calling' ELSE 'due' END,
           %(rank)s, true, {begun},
           CASE WHEN l.n > %(done)s AND l.n <= %(calling)s THEN {soon} END, '', 0, '{{}}', '',
           CASE WHEN l.n <= %(done)s THEN roll.outcome ELSE '' END,
           CASE WHEN l.n <= %(done)s THEN roll.reason ELSE '' END,
           CASE WHEN l.n <= %(done)s THEN roll.data_state ELSE '' END,
           CASE WHEN l.n <= %(done)s THEN roll.code ELSE '' END,
           CASE WHEN l.n <= %(done)s THEN roll.message ELSE '' END,
           false, CASE WHEN l.n <= %(done)s THEN {at} END
      FROM (SELECT id, institution, row_number() OVER (ORDER BY id) AS n
              FROM logins_login
             WHERE id >= %(first)s AND provider_id = %(provider)s
               AND (status = 'active' OR NOT %(only_active)s)
             ORDER BY id LIMIT %(attempts)s) l
      JOIN roll ON roll.roll = CASE WHEN l.institution = %(outage)s AND l.n %% 10 < 8
           THEN %(outage_roll)s ELSE (l.id * 7919 + %(run)s * 104729) %% 1000 END
     ORDER BY l.n
"""
# Two for each ended attempt: an order says something and asks back, a refresh asks for data.
CALLS = """
    INSERT INTO tracing_call
           (sent_at, provider, endpoint, method, url, body, state, answered_at, http_status_code,
            provider_code, message, request_id, login_id, institution, run_id, attempt_id, error,
            answer)
    SELECT {sent}, %(name)s, {endpoint}, 'POST',
           'https://' || %(name)s || '.example/v3/[hidden]/' || {endpoint},
           {body}, CASE WHEN said.http = 0 THEN 'no_answer' ELSE 'answered' END, {answered},
           CASE WHEN said.http = 0 THEN NULL ELSE said.http END, said.code, said.message,
           {request}, l.login_id, l.institution, a.run_id, a.id,
           CASE WHEN said.http = 0 THEN 'The connection ended before the answer did.' ELSE '' END,
           {answer}
      FROM routine_attempt a
     CROSS JOIN logins_login l
     CROSS JOIN said
     CROSS JOIN (SELECT 0 AS n UNION ALL SELECT 1) step
     WHERE a.id >= %(first)s AND a.id < %(first)s + %(done)s AND l.id = a.login_id
       AND said.outcome = a.outcome AND said.code = a.provider_code
     ORDER BY a.id, step.n
"""
SENT_AT = "%(begin)s + (a.id - %(first)s) * %(each)s + step.n * 0.5"
ENDPOINT = """
    CASE WHEN %(name)s <> 'flinks'
         THEN CASE step.n WHEN 0 THEN 'credentials/status' ELSE 'account' END
         WHEN %(purpose)s IN ('switch_off', 'switch_on')
         THEN CASE step.n WHEN 0 THEN 'SetScheduledRefresh' ELSE 'GetAccountsSummary' END
         WHEN step.n = 0 THEN 'Authorize'
         WHEN a.id %% 40 = 0 THEN 'GetAccountsDetailAsync' ELSE 'GetAccountsDetail' END
"""
BODY = """
    CASE WHEN step.n = 0
         THEN '{{"LoginId": "' || l.login_id || '", "MostRecentCached": true, "Save": true}}'
         ELSE '{{"RequestId": "' || {request} || '"}}' END
"""
ANSWER = """
    '{{"HttpStatusCode": ' || said.http || ', "FlinksCode": "' || said.code || '", "Message": "'
    || said.message || '", "RequestId": "' || {request} || '", "Institution": "' || l.institution
    || '", "InstitutionId": 14, "Login": {{"Id": "' || l.login_id
    || '", "IsScheduledRefresh": true, "LastRefresh": "2026-01-01T04:00:00.1234567"}}, '
    || '"Links": [{{"rel": "GetAccountsDetail"}}, {{"rel": "GetAccountsSummary"}}, '
    || '{{"rel": "GetStatements"}}, {{"rel": "GetMFAQuestions"}}], "AccountCount": '
    || (l.id %% 4 + 1) || ', "TransactionCount": ' || (a.id %% 900) || '}}'
"""
LEARNED = """
    UPDATE logins_login
       SET outcome = a.outcome, outcome_reason = a.outcome_reason, data_state = a.data_state,
           provider_code = a.provider_code, last_asked_at = a.finished_at
      FROM routine_attempt a
     WHERE a.login_id = logins_login.id AND a.run_id = %s AND a.state = 'done'
"""
NOTES = """
    INSERT INTO logins_note (login_id, written_at, written_by_id, text)
    SELECT id, {noted}, %(by)s, 'Spoke to the customer; they will sign in again this week.'
      FROM logins_login WHERE id %% 50 = 0 ORDER BY id
"""
SNAPSHOTS = """
    INSERT INTO bankdata_snapshot
           (login_id, attempt_id, fetched_at, data_as_of, payload, account_count, transaction_count)
    SELECT login_id, id, finished_at, finished_at, {payload}, 2, id %% 900
      FROM routine_attempt
     WHERE run_id >= %s AND run_id <= %s AND outcome = 'fresh' ORDER BY id
"""
ACCOUNTS = """
    INSERT INTO bankdata_bankaccount (login_id, snapshot_id, title, kind, currency,
           balance_current, balance_available, last_four)
    SELECT login_id, id, 'Chequing', 'Chequing', 'CAD', 1234.50, 1200, '4242'
      FROM bankdata_snapshot ORDER BY id
"""
# One webhook for each login at the first provider; a few could not be applied.
DELIVERIES = """
    INSERT INTO tracing_delivery
           (received_at, provider, kind, digest, size, times, last_received_at, login_id,
            request_id, tag, institution, http_status_code, provider_code, message, answer, state,
            state_reason, settled_at, tries)
    SELECT {delivered}, 'flinks', 'GetAccountsDetail', {digest}, 4000 + id %% 900, 1, {delivered},
           login_id, {digest}, '', institution, 200, '', '', {nothing},
           CASE id %% 50 WHEN 7 THEN 'unknown_login' WHEN 8 THEN 'superseded' ELSE 'applied' END,
           '', {delivered}, 1
      FROM logins_login WHERE provider_id = %(provider)s ORDER BY id
"""


def prepare() -> None:
    """Give SQLite the functions that PostgreSQL has, and let both write without waiting."""
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute("SET synchronous_commit = off")
            cursor.execute("SET work_mem = '128MB'")
            cursor.execute("SET maintenance_work_mem = '512MB'")
            return
        for pragma in ("synchronous=OFF", "secure_delete=OFF", "foreign_keys=OFF"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute("PRAGMA cache_size=-400000")
    assert connection.connection is not None
    connection.connection.create_function("guid", 1, _guid, deterministic=True)


def run(statement: str, given: dict[str, Any] | Sequence[Any] = ()) -> int:
    """Fill in the dialect and run a statement; return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement.format_map(_words()), given)
        return int(cursor.rowcount)


def _words() -> dict[str, str]:
    """Return what the braces of the statements stand for in this database."""
    is_sqlite = connection.vendor == "sqlite"
    request = _guid_sql("'request' || a.id")
    json = "{}" if is_sqlite else "({})::jsonb"
    plain = {"request": request}
    place = "%(begin)s + l.n * %(each)s"
    return {
        "at": _moment(place),
        "begun": _moment("%(begin)s"),
        "soon": _moment("%(now)s + 60"),
        "sent": _moment(SENT_AT),
        "answered": _moment(f"{SENT_AT} + 0.2 + a.id %% 7 * 0.1"),
        "endpoint": f"({ENDPOINT})",
        "request": request,
        "body": json.format(BODY.format_map(plain)),
        "answer": json.format(ANSWER.format_map(plain)),
        "digest": _guid_sql("'delivery' || id"),
        "delivered": _moment("%(now)s - id * 7"),
        "nothing": json.format("'{}'"),
        "noted": _moment("%(now)s - id %% 9000 * 600"),
        "payload": "zeroblob(400)" if is_sqlite else "decode(repeat('00', 400), 'hex')",
    }


def _moment(seconds: str) -> str:
    if connection.vendor == "sqlite":
        # As Django writes them, with six digits of a second: they are compared as texts.
        return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', {seconds}, 'unixepoch') || '000'"
    return f"to_timestamp({seconds})"


def _guid_sql(text: str) -> str:
    return f"guid({text})" if connection.vendor == "sqlite" else f"md5({text})::uuid::text"


def _guid(text: str) -> str:
    return str(uuid.UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()))
