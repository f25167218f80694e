"""What only a simulator may print below a form: which names sign in, and the right answers."""

from refreshops.simulator import challenges
from refreshops.simulator.connect_words import WORDS
from refreshops.simulator.onboarding import ASKED_USERNAME, PASSWORD, Onboarding
from refreshops.simulator.visits import Step, Visit

PLAIN_USERNAME = "greatday_nomfa"


def hints_for(visit: Visit, *, onboarding: Onboarding) -> list[str]:
    """Return the hints for the page of a visit."""
    words = WORDS[visit.wishes.language]
    if visit.step is Step.MFA:
        answers = challenges.right_answers(visit.prompts).values()
        return [f"{words['hint_answer']} {answer}" for answer in answers]
    if visit.step is not Step.CREDENTIAL or visit.bank is None:
        return []
    names = {"password": PASSWORD, "asked": ASKED_USERNAME.title(), "plain": PLAIN_USERNAME}
    waiting = [
        f"{login.username} ({login.customer.reference})"
        for login in onboarding.waiting_at(visit.bank)
    ]
    told = [f"{words['hint_waiting']} {', '.join(waiting)}"] if waiting else []
    return [words["hint_password"].format(**names), *told]
