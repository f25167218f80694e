"""SetScheduledRefresh, GetNightlyRefreshStatus and DeleteCard: what happens to a login by night."""

from refreshops.simulator.answers import nightly_row
from refreshops.simulator.books import Books
from refreshops.simulator.identifiers import canonical
from refreshops.simulator.messages import Malformed, Reply, Request, json_reply


class Upkeep:
    """The endpoints about schedule and existence of a login."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def set_scheduled_refresh(self, request: Request, _: str | None) -> Reply:
        """PATCH /SetScheduledRefresh: either casing of its two keys; a bare JSON string back."""
        given = {key.lower(): value for key, value in request.fields().items()}
        wanted, login_id = given.get("isactivated"), given.get("loginid")
        if not isinstance(wanted, bool):
            raise Malformed("isActivated is required and is a boolean")
        login = self._books.world.find(canonical(login_id))
        if login is None or login.fate.name.startswith("invalid_login_id"):
            return self._books.answers.error(
                400, "INVALID_REQUEST", f"The login '{login_id}' is invalid."
            )
        with self._books.world.lock:
            login.scheduled = wanted
        state = "activated for" if wanted else "deactivated from"
        return json_reply(200, f"LoginId {login.login_id} has now been {state} automatic refresh")

    def nightly_refresh_status(self, request: Request, _: str | None) -> Reply:
        """GET /GetNightlyRefreshStatus: logins whose refresh is on but no longer happens."""
        if request.headers.get("authorization") != f"Bearer {self._books.keys.bearer}":
            return self._books.answers.error(401, "ACCESS_DENIED", "Authentication unsuccessful")
        now = self._books.now()
        failing = [
            nightly_row(login)
            for login in self._books.world.logins.values()
            if login.scheduled and not login.deleted and not login.still_eligible(now)
        ]
        return json_reply(200, {"HttpStatusCode": 200, "IneligibleCards": failing})

    def delete_card(self, request: Request, login_id: str | None) -> Reply:
        """DELETE /DeleteCard/{loginId}: refused while an Authorize is still warm (seed 001)."""
        login = self._books.world.find(login_id)
        if login is None:
            return self._books.answers.error(400, "INVALID_LOGIN", f"Invalid LoginId {login_id}")
        busy_from = login.authorized_at
        if (
            busy_from is not None
            and self._books.clock() - busy_from < self._books.rules.card_busy_seconds
        ):
            return self._books.answers.error(
                400, "CARD_IN_USE", "The card is still being processed, try again later"
            )
        with self._books.world.lock:
            login.deleted, login.scheduled = True, False
        message = f"LoginId {login.login_id} has been deleted"
        return json_reply(200, {"StatusCode": 200, "Message": message})
