"""Bodies in the published shapes: Authorize, its errors, accounts, nightly status."""

import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Lock
from typing import Any

from refreshops.simulator.fates import Fate
from refreshops.simulator.ledger import DAYS_BY_DEFAULT, accounts_of
from refreshops.simulator.messages import Reply, json_reply
from refreshops.simulator.world import Login

NEVER = "0001-01-01T00:00:00"


def _links(*pairs: tuple[str, str]) -> list[dict[str, str | None]]:
    return [{"rel": rel, "href": href, "example": None} for rel, href in pairs]


DATA_LINKS = _links(
    ("AccountsDetail", "/GetAccountsDetail"),
    ("AccountsSummary", "/GetAccountsSummary"),
    ("Statements", "/GetStatements"),
)
SUMMARY_LINKS = _links(("AccountsDetail", "/GetAccountsDetail"), ("Statements", "/GetStatements"))
AUTHORIZATION_LINK = _links(("Authorization", "/Authorize"))
ASYNC_LINK = _links(("AccountsDetailAsync", "/GetAccountsDetailAsync"))


@dataclass(frozen=True, slots=True)
class Planted:
    """Canaries that take the place of a real value in every answer (None: the real value)."""

    username: str | None = None
    account_number: str | None = None
    holder_name: str | None = None
    echo: str | None = None

    def message(self, text: str | None) -> str | None:
        """Return an error's Message with the echo in it."""
        return f"{text or 'Error'} {self.echo}" if self.echo else text


def last_refresh(login: Login) -> str:
    """Return LastRefresh as .NET writes it: UTC without a zone, 6 or 7 fraction digits."""
    if login.refreshed_at is None:
        return NEVER
    text = login.refreshed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text if login.fraction_digits == 6 else text + login.login_id[-1].translate(_DIGIT)


_DIGIT = str.maketrans("abcdef", "123456")


class Answers:
    """Builds bodies for one world; keeps the serialised accounts of the logins asked last."""

    def __init__(self, *, body_kb: int, planted: Planted, kept_logins: int = 2000) -> None:
        self._body_kb = body_kb
        self._planted = planted
        self._kept_logins = kept_logins
        self._kept: OrderedDict[tuple[str, date], bytes] = OrderedDict()
        self._lock = Lock()

    def login(self, login: Login, *, with_type: bool = True) -> dict[str, Any]:
        """Return the Login object of an answer."""
        value: dict[str, Any] = {
            "Username": self._planted.username or login.username,
            "IsScheduledRefresh": login.scheduled,
            "LastRefresh": last_refresh(login),
            "Type": "Personal",
            "Id": login.login_id,
        }
        if not with_type:
            del value["Type"]
        return value

    def authorized(self, login: Login, *, request_id: str, fate: Fate) -> Reply:
        """Return the 200 (or 201) of an Authorize."""
        body = {
            "Links": DATA_LINKS,
            "HttpStatusCode": fate.status if fate.status < 202 else 200,
            **({"FlinksCode": fate.code} if fate.code and fate.status < 202 else {}),
            "Login": self.login(login),
            **self._institution(login),
            "RequestId": request_id,
        }
        code = fate.code if fate.status < 202 else None
        return json_reply(body["HttpStatusCode"], body, code=code, request_id=request_id)

    def challenged(self, login: Login, *, request_id: str, challenges: list[Any]) -> Reply:
        """Return the 203 of a live Authorize that needs a person."""
        body = {
            "Links": AUTHORIZATION_LINK,
            "HttpStatusCode": 203,
            "SecurityChallenges": challenges,
            "Institution": login.bank.name,
            "RequestId": request_id,
        }
        return json_reply(203, body, request_id=request_id)

    def refused(
        self, login: Login, *, status: int, code: str, message: str | None, request_id: str | None
    ) -> Reply:
        """Return an Authorize error about a known login; without `message` no Message."""
        body: dict[str, Any] = {"HttpStatusCode": status, "FlinksCode": code}
        message = self._planted.message(message)
        if message is not None:
            body["Message"] = message
        if request_id is not None:
            body = {"Links": AUTHORIZATION_LINK, **body, "Institution": login.bank.name}
            body["RequestId"] = request_id
        return json_reply(status, body, code=code, request_id=request_id)

    def error(
        self, status: int, code: str | None, message: str | None, *, request_id: str | None = None
    ) -> Reply:
        """Return a documented error that knows no login."""
        body: dict[str, Any] = {"HttpStatusCode": status}
        message = self._planted.message(message)
        if message is not None:
            body["Message"] = message
        if code is not None:
            body["FlinksCode"] = code
        return json_reply(status, body, code=code, request_id=request_id)

    def pending(self, code: str, message: str, *, request_id: str) -> Reply:
        """Return a 202: the data is still being processed."""
        body = {
            "FlinksCode": code,
            "Links": ASYNC_LINK,
            "HttpStatusCode": 202,
            "Message": message,
            "RequestId": request_id,
        }
        return json_reply(202, body, code=code, request_id=request_id)

    def detail(
        self,
        login: Login,
        *,
        request_id: str,
        as_of: date,
        days: int = DAYS_BY_DEFAULT,
        transactions: bool = True,
        only: list[Any] | None = None,
    ) -> Reply:
        """Return the 200 of GetAccountsDetail."""
        # What was never refreshed has no accounts yet: nothing to keep.
        usual = days == DAYS_BY_DEFAULT and transactions and not only
        if usual and login.refreshed_at is not None:
            accounts = self._kept_accounts(login, as_of)
        else:
            rows = self._accounts(login, as_of, days=days)
            rows = [row for row in rows if not only or row["Id"] in only]
            if not transactions:
                rows = [{**row, "Transactions": []} for row in rows]
            accounts = _dump(rows)
        rest = {
            **self._institution(login),
            "Login": self.login(login),
            "RequestId": request_id,
            **({"Tag": login.tag} if login.tag is not None else {}),
        }
        body = b'{"HttpStatusCode":200,"Accounts":' + accounts + b"," + _dump(rest)[1:]
        return Reply(200, body, request_id=request_id)

    def webhook(self, login: Login, *, kind: str, request_id: str, as_of: date) -> bytes:
        """Return the body of a webhook; of KYC only who the accounts belong to."""
        with_rows = kind == "GetAccountsDetail"
        reply = self.detail(login, request_id=request_id, as_of=as_of, transactions=with_rows)
        return b'{"ResponseType":' + _dump(kind) + b"," + reply.body[1:]

    def summary(self, login: Login, *, request_id: str, as_of: date) -> Reply:
        """Return the 200 of GetAccountsSummary."""
        body = {
            "HttpStatusCode": 200,
            "Accounts": [_summarised(row) for row in self._accounts(login, as_of)],
            "Links": SUMMARY_LINKS,
            "Tag": login.tag,
            **self._institution(login),
            "Login": self.login(login),
            "RequestId": request_id,
        }
        return json_reply(200, body, request_id=request_id)

    def _institution(self, login: Login) -> dict[str, Any]:
        bank = login.bank
        return {
            "Institution": bank.name,
            "InstitutionName": bank.name,
            "InstitutionId": bank.institution_id,
        }

    def _accounts(
        self, login: Login, as_of: date, *, days: int = DAYS_BY_DEFAULT
    ) -> list[dict[str, Any]]:
        rows = accounts_of(login, as_of=as_of, body_kb=self._body_kb, days=days)
        planted = self._planted
        for row in rows:
            row["AccountNumber"] = planted.account_number or row["AccountNumber"]
            row["Holder"]["Name"] = planted.holder_name or row["Holder"]["Name"]
        return rows

    def _kept_accounts(self, login: Login, as_of: date) -> bytes:
        key = (login.login_id, as_of)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = _dump(self._accounts(login, as_of))
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > self._kept_logins:
                self._kept.popitem(last=False)
        return made


def nightly_row(login: Login) -> dict[str, Any]:
    """Return one of the IneligibleCards: the sample knows no error code for a challenge."""
    code = login.fate.code
    asked = code in {"QUESTION_NOT_FOUND", "INVALID_SECURITY_RESPONSE", "UNKNOWN_CHALLENGE_KEY"}
    state = "AnsweringSecurityChallenge" if asked else (code or "Completed").title()
    return {
        "LoginId": login.login_id,
        "LastRefreshDate": last_refresh(login),
        "LastRefreshState": state.replace("_", ""),
        "LastRefreshErrorCode": None if asked else code,
    }


def data_date(login: Login, *, now: datetime) -> date:
    """Return the day the login's data reaches up to."""
    return (login.refreshed_at or now).date()


def _summarised(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("Title", "AccountNumber", "LastFourDigits", "Balance", "Category", "Type", "Currency")
    return {
        "EftEligibleRatio": 1 if row["Type"] == "Chequing" else 0,
        "ETransferEligibleRatio": 1 if row["Type"] == "Chequing" else 0,
        **{key: row[key] for key in (*kept, "Holder", "AccountType", "Id")},
    }


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
