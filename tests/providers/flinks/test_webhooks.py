"""What Flinks sends by itself: signed or not, whose, and what it means; whatever the body holds."""

import base64
import hashlib
import hmac
import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from refreshops.providers.contract import Subject
from refreshops.providers.flinks import Flinks
from refreshops.rules.freshness import DataState
from refreshops.rules.outcomes import Outcome, Reason
from tests.providers.flinks.spoken import (
    IN_THE_FUTURE,
    LAST_WEEK,
    LOGIN_ID,
    NEVER,
    NOON,
    OTHER_LOGIN_ID,
    POLICY,
    REQUEST_ID,
    SUBJECT,
    TONIGHT_AT,
    detail,
    login,
    pending,
    refused,
)

KEY = "canary-webhook-key"
BODY = b'{"ResponseType":"GetAccountsDetail"}'
HEADER = "flinks-authenticity-key"


def flinks(**changes):
    terms = {"api_url": "https://acme-api.private.fin.ag/v3/", "customer_id": "canary-customer"}
    return Flinks(**(terms | {"webhook_key": KEY, "secret_key": "canary-secret"} | changes))


def signature(body=BODY, *, key=KEY):
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def delivery(kind="GetAccountsDetail", **changes):
    body = detail(Tag="link-17").body | {"ResponseType": kind} | changes
    return {name: value for name, value in body.items() if value is not None}


def error_delivery(code, **more):
    return refused(code, request_id=REQUEST_ID, **more).body | {"ResponseType": "GetAccountsDetail"}


def judge(body, *, subject=SUBJECT):
    return flinks().judge_delivery(subject, body, policy=POLICY, now=NOON)


class TestSignature:
    @pytest.mark.parametrize("name", [HEADER, "Flinks-Authenticity-Key", HEADER.upper()])
    def test_the_keys_own_signature_is_believed(self, name):
        assert flinks().is_signed(BODY, {name: signature(), "Content-Type": "application/json"})

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param({}, id="none"),
            pytest.param({HEADER: ""}, id="empty"),
            pytest.param({HEADER: signature(key="another-key")}, id="another-key"),
            pytest.param({HEADER: signature(BODY + b" ")}, id="another-body"),
            pytest.param({HEADER: signature().lower()}, id="lower-case"),
            pytest.param({HEADER: f" {signature()}"}, id="space-before"),
            pytest.param({HEADER: f"{signature()}\n"}, id="line-after"),
            pytest.param({HEADER: signature().rstrip("=")}, id="no-padding"),
            pytest.param({HEADER: f"sha256={signature()}"}, id="another-form"),
            pytest.param({HEADER: signature()[:-2]}, id="cut-off"),
            pytest.param({HEADER: "é" * 44}, id="not-ascii"),
            pytest.param({HEADER: "\udcff" * 44}, id="surrogates"),
            pytest.param({"X-Flinks-Signature": signature()}, id="another-header"),
            pytest.param({HEADER: signature(), HEADER.upper(): signature()}, id="twice"),
            pytest.param(
                {HEADER: hmac.new(KEY.encode(), BODY, hashlib.sha256).hexdigest()}, id="hex"
            ),
        ],
    )
    def test_nothing_else_is(self, headers):
        assert not flinks().is_signed(BODY, headers)

    def test_without_a_key_nothing_is_believed(self):
        assert not flinks(webhook_key="").is_signed(BODY, {HEADER: signature(key="")})
        assert not flinks(webhook_key="").is_signed(BODY, {})


class TestReading:
    def test_it_tells_whose_it_is_and_what(self):
        body = delivery(Login=login(login_id=f"{{{LOGIN_ID.upper()}}}"))

        read = flinks().read_delivery(body)

        assert (read.kind, read.brings_data) == ("GetAccountsDetail", True)
        assert (read.login_id, read.request_id, read.tag) == (LOGIN_ID, REQUEST_ID, "link-17")
        assert read.institution == "Maple Bank"

    @pytest.mark.parametrize("kind", ["KYC", "GetStatements", "Pay", "Upload Fraud-Alert"])
    def test_other_kinds_are_read_and_bring_no_data(self, kind):
        read = flinks().read_delivery(delivery(kind))

        assert (read.kind, read.brings_data) == (kind, False)
        with pytest.raises(ValueError, match="not about bank data"):
            judge(delivery(kind))

    def test_its_evidence_holds_no_bank_data_no_people_and_no_key(self):
        body = delivery(
            Message=f"Refresh of Jane Doe 7641238 with {KEY}",
            Institution="Maple Bank of jane.doe",
            StatementsByAccount=[{"AccountNumber": "7641238", "Base64Bytes": "cGRm"}],
        )

        kept = json.dumps(flinks().read_delivery(body).envelope.__dict__)

        for word in ("7641238", "Jane", "jane.doe", "PAYROLL", "5405", "example.com", KEY, "cGRm"):
            assert word not in kept
        envelope = flinks().read_delivery(body).envelope
        assert envelope.http_status_code == 200
        assert envelope.answer["ResponseType"] == "GetAccountsDetail"
        assert (envelope.answer["AccountCount"], envelope.answer["TransactionCount"]) == (1, 1)
        assert envelope.answer["Login"]["Id"] == LOGIN_ID

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            pytest.param({"Login": None}, (REQUEST_ID, "", "link-17"), id="no-login"),
            pytest.param(
                {"Login": {"Id": "4510156789012345"}}, (REQUEST_ID, "", "link-17"), id="id"
            ),
            pytest.param({"RequestId": None}, ("", LOGIN_ID, "link-17"), id="no-request"),
            pytest.param({"Tag": "jane@example.com"}, (REQUEST_ID, LOGIN_ID, ""), id="tag"),
            pytest.param({"Tag": KEY, "RequestId": KEY}, ("", LOGIN_ID, ""), id="echo-of-the-key"),
        ],
    )
    def test_one_name_is_enough(self, changes, named):
        read = flinks().read_delivery(delivery(**changes))

        assert (read.request_id, read.login_id, read.tag) == named

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            ([], "no JSON object"),
            ("GetAccountsDetail", "no JSON object"),
            (None, "no JSON object"),
            ({}, "ResponseType"),
            ({"ResponseType": 5}, "ResponseType"),
            ({"ResponseType": "4510156789012345"}, "ResponseType"),
            ({"ResponseType": "x" * 61}, "ResponseType"),
            ({"responsetype": "KYC"}, "ResponseType"),
            ({"ResponseType": "KYC"}, "names no login"),
            (delivery(Deep=json.loads("[" * 70 + "]" * 70)), "too deeply"),
        ],
    )
    def test_what_cannot_be_read_says_why(self, body, why):
        with pytest.raises(ValueError, match=why):
            flinks().read_delivery(body)


class TestJudging:
    def test_it_teaches_what_the_fetched_answer_would(self):
        subject = replace(SUBJECT, last_asked_at=NOON - timedelta(days=1))

        result = judge(delivery(), subject=subject)

        assert (result.outcome, result.data_state) == (Outcome.FRESH, DataState.FRESH)
        assert result.last_refresh_at == TONIGHT_AT
        assert result.nightly is True
        assert result.institution == "Maple Bank"
        assert result.tag == "link-17"
        assert result.bank_data.as_of == TONIGHT_AT
        assert result.bank_data.transaction_count == 1
        assert result.drops_out_at == NOON + timedelta(days=6)

    @pytest.mark.parametrize(
        ("at", "outcome", "reason"),
        [
            (LAST_WEEK, Outcome.STALE, Reason.NONE),
            (NEVER, Outcome.STALE, Reason.NO_TIMESTAMP),
            (IN_THE_FUTURE, Outcome.STALE, Reason.FUTURE_TIMESTAMP),
        ],
    )
    def test_freshness_is_judged_by_its_timestamp(self, at, outcome, reason):
        result = judge(delivery(Login=login(at=at, nightly=False)))

        assert (result.outcome, result.reason) == (outcome, reason)
        assert result.nightly is False

    @pytest.mark.parametrize(
        ("code", "outcome"),
        [
            ("INVALID_PASSWORD", Outcome.USER_ACTION),
            ("DISABLED_INSTITUTION", Outcome.INSTITUTION_UNAVAILABLE),
            ("TOO_MANY_REQUESTS", Outcome.THROTTLED),
            ("BRAND_NEW", Outcome.UNKNOWN),
            ("SESSION_NONEXISTENT", Outcome.OUR_CONFIG),
        ],
    )
    def test_an_error_code_is_judged_as_its_code(self, code, outcome):
        result = judge(error_delivery(code))

        assert (result.outcome, result.provider_code) == (outcome, code)
        assert result.bank_data is None

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(delivery(Login=login(login_id=OTHER_LOGIN_ID)), id="another-login"),
            pytest.param(delivery(Login=None), id="no-login"),
            pytest.param(delivery(Login={"LastRefresh": "2026-03-03T05:36:07"}), id="no-login-id"),
            pytest.param(delivery(Accounts=None), id="no-accounts"),
            pytest.param(delivery(Accounts=[{}] * 501), id="too-many-accounts"),
            pytest.param(delivery(HttpStatusCode=None), id="no-status"),
            pytest.param(pending().body | {"ResponseType": "GetAccountsDetail"}, id="pending"),
        ],
    )
    def test_what_is_not_believed_brings_no_data(self, body):
        result = judge(body)

        assert (result.outcome, result.reason) == (Outcome.PROVIDER_FAULT, Reason.BAD_ANSWER)
        assert result.bank_data is None

    def test_the_same_delivery_twice_means_the_same(self):
        assert judge(delivery()) == judge(delivery())


NAMES = [
    "ResponseType", "responseType", "Login", "login", "RequestId", "requestId", "Tag", "Accounts",
    "HttpStatusCode", "FlinksCode", "Message", "message", "Institution", "InstitutionName", "Token",
]  # fmt: skip
SCALARS = [
    None, True, False, 0, -1, 200, 202, 203, 401, 10**300, -1.5, 1e308, "", " ", "é\x00\u202e", KEY,
    "\ud800", "x" * 5000, "GetAccountsDetail", "KYC", LOGIN_ID, REQUEST_ID, "2026-03-03T05:36:07",
    "9999-99-99T99:99:99", "INVALID_PASSWORD", "TOO_MANY_REQUESTS", "٣٣", "[{", "canary-secret",
]  # fmt: skip


def any_value(chance, depth=0):
    kind = chance.random()
    if depth > 4 or kind < 0.6:
        return chance.choice(SCALARS)
    if kind < 0.8:
        return [any_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    inner = ["Id", "id", "IsScheduledRefresh", "LastRefresh", "Username", "Transactions", "Balance"]
    names = [chance.choice(NAMES + inner) for _ in range(chance.randrange(5))]
    return {name: any_value(chance, depth + 1) for name in names}


def hostile(chance):
    """Return a good delivery with a few things gone wrong, or anything at all."""
    if chance.random() < 0.1:
        return any_value(chance)
    body = delivery()
    for _ in range(chance.randrange(1, 5)):
        part = chance.choice([body, body.get("Login"), *(body.get("Accounts") or [])])
        if not isinstance(part, dict):
            continue
        name = chance.choice([*part, *NAMES])
        if chance.random() < 0.2:
            part.pop(name, None)
        else:
            part[name] = any_value(chance)
        if not isinstance(body.get("Accounts"), list | None):
            break
    return body


@pytest.mark.parametrize("seed", range(40))
def test_no_body_breaks_the_reading_or_the_judging(seed):
    print(f"seed {seed}")
    chance = random.Random(seed)
    provider, subject = flinks(), Subject(LOGIN_ID, held_as_of=NOON - timedelta(days=3))
    read = judged = 0
    for _ in range(100):
        body = hostile(chance)
        try:
            kept = json.dumps(vars(provider.read_delivery(body).envelope), allow_nan=False)
            read += 1
            assert KEY not in kept
            assert "canary-secret" not in kept
        except ValueError:
            pass
        try:
            result = provider.judge_delivery(subject, body, policy=POLICY, now=NOON)
        except ValueError:
            continue
        judged += 1
        assert result.outcome is not Outcome.PENDING
        if result.outcome is Outcome.FRESH:
            assert result.last_refresh_at == TONIGHT_AT or "03T05:36:07" in json.dumps(body)
            assert result.bank_data is not None

    assert read > 10
    assert judged > 10
