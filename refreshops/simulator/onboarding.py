"""Who signs in at the fake Flinks Connect: what they are told, and which login comes of it."""

from dataclasses import dataclass
from random import Random
from typing import Any

from refreshops.simulator import challenges
from refreshops.simulator.banks import Bank
from refreshops.simulator.books import Books
from refreshops.simulator.fates import SUCCESS, Live
from refreshops.simulator.identifiers import guid_from
from refreshops.simulator.people import make_customer
from refreshops.simulator.world import Login, Recipe

# API notes, section 1: the people of the sandbox.
ASKED_USERNAME = "greatday"
PASSWORD = "Everyday"  # noqa: S105
REFUSED_USERNAMES = {
    "test_disabled_account": "DISABLED_LOGIN",
    "test_service_unavailable": "RETRY_LATER",
    "test_invalid_username": "INVALID_USERNAME",
}
# Codes after which only a new sign-in of the owner helps; the page names some of these logins.
WAITING_CODES = frozenset(
    {
        *("QUESTION_NOT_FOUND", "INVALID_SECURITY_RESPONSE", "INVALID_PASSWORD"),
        *("INVALID_USERNAME", "NEW_ACCOUNT", "DISABLED_LOGIN"),
    }
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a bank: these three make a LoginId (API notes, section 3)."""

    bank: Bank
    username: str
    language: str = "en"


class Onboarding:
    """Signs people in and keeps their logins."""

    def __init__(self, books: Books, *, recipe: Recipe) -> None:
        self._books = books
        self._recipe = recipe

    def refusal(self, person: Person, *, password: str) -> str | None:
        """Return the FlinksCode of a sign-in that fails, None for one that does not."""
        if not person.username:
            return "INVALID_USERNAME"
        if password != PASSWORD:
            return "INVALID_PASSWORD"
        return REFUSED_USERNAMES.get(person.username.casefold())

    def prompts(self, person: Person) -> tuple[str, ...]:
        """Return what the bank asks besides the password, if anything."""
        if person.username.casefold() == ASKED_USERNAME:
            return (challenges.QUESTIONS[0][0],)
        login = self._known(person)
        if login is not None and login.fate.live is Live.CHALLENGE:
            return challenges.prompts_for(login)
        return ()

    def connect(self, person: Person, *, tag: str | None, scheduled: bool) -> Login:
        """Return the person's login, refreshed now: cured when it is known, new otherwise.

        Its data is not ready at once (seed 002). ScheduleRefresh works for new ones only
        (API notes, section 2).
        """
        login, polls = self._known(person), 1
        if login is None:
            login = self._new(person, scheduled=scheduled)
            polls = login.pending_polls
        with self._books.world.lock:
            login.meet(SUCCESS)
            login.refreshed_at = self._books.now()
            login.polls_left = polls
            if login.pending_seconds:
                login.busy_until = self._books.clock() + login.pending_seconds
            login.tag = tag if tag is not None else login.tag
        self._books.tell_refreshed(login, request_id=None)
        return login

    def waiting_at(self, bank: Bank, *, most: int = 5) -> list[Login]:
        """Return a few logins of a bank whose owners must sign in again."""
        logins = self._books.world.logins.values()
        waiting = [
            login
            for login in logins
            if login.bank is bank and login.fate.code in WAITING_CODES and not login.deleted
        ]
        return waiting[:most]

    def _known(self, person: Person) -> Login | None:
        return self._books.world.signed_in_as(
            bank=person.bank, username=person.username, language=person.language
        )

    def _new(self, person: Person, *, scheduled: bool) -> Login:
        now, recipe = self._books.now(), self._recipe
        login_id = self._free_id(person)
        seconds = recipe.pending_seconds
        login = Login(
            login_id=login_id,
            username=person.username,
            bank=person.bank,
            customer=make_customer(reference=f"N-{login_id[:8]}", chance=Random(login_id)),
            status="active",
            scheduled=scheduled,
            fate=SUCCESS,
            refreshed_at=now,
            cached_call_at=now,
            fraction_digits=7,
            pending_polls=recipe.pending_polls if seconds is None else 0,
            pending_seconds=seconds or 0.0,
            registered=False,
            language=person.language,
        )
        self._books.world.add(login)
        return login

    def _free_id(self, person: Person) -> str:
        """Return the LoginId of these three; after a DeleteCard the next one."""
        parts = (self._recipe.seed, person.bank.name, person.username, person.language)
        times = 0
        while (login_id := guid_from(*parts, "connected", times)) in self._books.world.logins:
            times += 1
        return login_id


def person_behind(login: Login) -> dict[str, Any]:
    """Return what it takes to sign in as a login's owner: for tests and demos."""
    asked = login.fate.live is Live.CHALLENGE
    return {
        "login_id": login.login_id,
        "institution": login.bank.name,
        "institution_id": login.bank.institution_id,
        "username": login.username,
        "password": PASSWORD,
        "language": login.language,
        "answers": challenges.right_answers(challenges.prompts_for(login)) if asked else {},
    }
