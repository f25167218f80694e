"""The endpoints under /v0/: token, status, force, list, delete, banks, data."""

import math
from collections.abc import Mapping
from typing import Any

from refreshops.simulator.flanks.banks import SPANISH_BANKS
from refreshops.simulator.flanks.books import FlanksBooks
from refreshops.simulator.flanks.fates import NOT_AVAILABLE, NOT_THERE, RETRIEVING
from refreshops.simulator.flanks.status import status_of
from refreshops.simulator.flanks.world import Credential, secret_from
from refreshops.simulator.messages import Reply, json_reply

SCOPES = "aggregation connect"
CONFIGURATION = 40001
PROCESSING = 20002
INCOMPLETE = 20001
FORCED = ("sca", "reset", "transaction")
Fields = Mapping[str, Any]


class Refused(Exception):
    """The parameters are refused; `reply` says so in the documented words."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Endpoints:
    """What each call does; raises Refused."""

    def __init__(self, books: FlanksBooks) -> None:
        self._books = books

    def token(self, fields: Fields) -> Reply:
        """POST /v0/token: by client credentials alone."""
        books = self._books
        self._wanted(fields, "client_id", "client_secret", "grant_type")
        given = (fields["client_id"], fields["client_secret"], fields["grant_type"])
        right = (books.keys.client_id, books.keys.client_secret, "client_credentials")
        if given != right or books.keys.refused:
            books.tokens.deny()
            return books.refuse(403, "access_denied")
        return json_reply(
            200,
            {
                "access_token": books.tokens.mint(at=books.clock()),
                "expires_in": math.ceil(books.tokens.told_seconds),
                "token_type": "Bearer",
                "scope": SCOPES,
            },
        )

    def status(self, fields: Fields) -> Reply:
        """POST /v0/bank/credentials/status."""
        credential = self._credential(fields)
        refusal = credential.fate.refusal
        if refusal is not None and not credential.fate.refused:
            credential.waiting = refusal.code == 20003
            return self._books.says(refusal)
        working = self._books.still_working(credential, counting=True)
        credential.waiting = working
        return json_reply(200, status_of(credential, working=working))

    def force(self, fields: Fields) -> Reply:
        """PUT /v0/bank/credentials/status: a token for a session of the end-user."""
        credential = self._credential(fields, "force")
        force = fields["force"]
        if force not in FORCED:
            raise self._invalid("force")
        name = f"{force}_token"
        with self._books.world.lock:
            token = credential.tokens.setdefault(name, secret_from(credential.login_id, name))
        return json_reply(200, {name: token})

    def list(self, fields: Fields) -> Reply:
        """POST /v0/bank/credentials/list: pages from 1."""
        page = fields.get("page", 1)
        if not isinstance(page, int) or isinstance(page, bool) or page < 1:
            raise self._invalid("page")
        there = [each for each in self._books.world.credentials.values() if each.there]
        size = self._books.rules.page_size
        items = [
            {
                "credentials_token": each.login_id,
                "external_id": each.customer.reference if each.registered else None,
                "bank": each.bank.name,
                "status": _state_of(each),
            }
            for each in there[(page - 1) * size : page * size]
        ]
        pages = max(1, math.ceil(len(there) / size))
        return json_reply(200, {"items": items, "page": page, "pages": pages})

    def delete(self, fields: Fields) -> Reply:
        """DELETE /v0/bank/credentials."""
        credential = self._credential(fields)
        with self._books.world.lock:
            credential.deleted = True
        return json_reply(200, {"message": "Credentials deleted successfully"})

    def banks(self, fields: Fields) -> Reply:
        """GET /v0/bank/available."""
        return json_reply(200, [{"id": bank.name, "name": bank.title} for bank in SPANISH_BANKS])

    def data(self, fields: Fields, kind: str) -> Reply:
        """POST /v0/bank/credentials/<kind>: the rows of one data endpoint."""
        credential = self._credential(fields)
        query, ignoring = fields.get("query"), fields.get("ignore_data_error", False)
        if query is not None and not isinstance(query, dict):
            raise self._invalid("query")
        if not isinstance(ignoring, bool):
            raise self._invalid("ignore_data_error")
        hindrance = self._hindrance(credential, kind, ignoring=ignoring)
        if hindrance is not None:
            return hindrance
        rows = self._books.products.of(credential, kind)
        if kind == "auth":
            return json_reply(200, rows[0])
        return json_reply(200, [row for row in rows if _is_asked_for(row, kind, query or {})])

    def _hindrance(self, credential: Credential, kind: str, *, ignoring: bool) -> Reply | None:
        """Return what stands in the way of a data call, if anything does."""
        books, fate, product = self._books, credential.fate, _product_of(kind)
        if fate.refusal is not None and not fate.refused:
            return books.says(fate.refusal)
        not_created = fate.not_created or (product,)
        if books.still_working(credential, counting=False) and product in not_created:
            credential.waiting = True
            return books.refuse(400, RETRIEVING, PROCESSING)
        if fate.refusal is not None and fate.heals and product in fate.refused:
            processing = books.still_processing(credential, product)
            credential.waiting = credential.waiting or processing
            return books.says(fate.refusal) if processing else None
        errored = product in fate.refused or product in (
            fate.errored_transactions if _is_of_transactions(kind) else fate.errored
        )
        if errored and not (ignoring and fate.stored):
            return books.refuse(400, NOT_AVAILABLE, INCOMPLETE)
        return None

    def _credential(self, fields: Fields, *others: str) -> Credential:
        self._wanted(fields, "credentials_token", *others)
        if not isinstance(fields["credentials_token"], str):
            raise self._invalid("credentials_token")
        credential = self._books.world.find(fields["credentials_token"])
        if credential is None:
            raise Refused(self._books.refuse(400, NOT_THERE, CONFIGURATION))
        return credential

    def _wanted(self, fields: Fields, *names: str) -> None:
        missing = [name for name in names if fields.get(name) in (None, "")]
        if missing:
            text = f"Missing fields: {', '.join(missing)}"
            raise Refused(self._books.refuse(400, text, CONFIGURATION))

    def _invalid(self, name: str) -> Refused:
        return Refused(self._books.refuse(400, f"Invalid {name}", CONFIGURATION))


def _state_of(credential: Credential) -> str:
    # No document says which values there are (flanks-api.md section 7).
    if credential.fate.blocked:
        return "blocked"
    if credential.polls_left or credential.fate.pending:
        return "pending"
    return "sca" if "sca_token" in credential.tokens else "ok"


def _is_of_transactions(kind: str) -> bool:
    return kind == "data" or kind.endswith("/transaction")


def _product_of(kind: str) -> str:
    """Return the key of `errored` and `created` that speaks of a data endpoint."""
    first = kind.split("/")[0]
    return {"data": "account", "holder": "holders"}.get(first, first)


def _is_asked_for(row: Fields, kind: str, query: Fields) -> bool:
    own_id = f"{_product_of(kind)}_id"
    for name, wanted in query.items():
        value = row.get(name, row.get("_id") if name == own_id else None)
        if value not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True
