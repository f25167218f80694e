"""Security challenges: what a bank asks a person, and what it takes for an answer."""

from typing import Any

from refreshops.simulator.world import Login

# Prompt and the one right answer.
QUESTIONS = (
    ("What city were you born in?", "Montreal"),
    ("What is the best country on earth?", "Canada"),
    ("What shape do people like most?", "Triangle"),
)
_RIGHT = dict(QUESTIONS)


def prompts_for(login: Login) -> tuple[str, ...]:
    """Return what this login's bank asks; one fate is about three questions at once."""
    if login.fate.name == "securityresponses_incomplete":
        return tuple(prompt for prompt, _ in QUESTIONS)
    return (QUESTIONS[int(login.login_id[:2], 16) % len(QUESTIONS)][0],)


def challenge_list(prompts: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the SecurityChallenges of a 203."""
    return [{"Type": "QuestionAndAnswer", "Prompt": prompt} for prompt in prompts]


def right_answers(prompts: tuple[str, ...]) -> dict[str, str]:
    """Return what to answer to each prompt."""
    return {prompt: _RIGHT[prompt] for prompt in prompts}


def judge(responses: Any, *, prompts: tuple[str, ...]) -> str | None:
    """Return the FlinksCode an answer to `prompts` earns, None when it is right (seed 001)."""
    if not isinstance(responses, dict) or not set(responses) & set(prompts):
        return "UNKNOWN_CHALLENGE_KEY"
    if set(prompts) - set(responses):
        return "SECURITYRESPONSES_INCOMPLETE"
    right = all(_first(responses[prompt]) == _RIGHT[prompt].lower() for prompt in prompts)
    return None if right else "INVALID_SECURITY_RESPONSE"


def _first(answer: Any) -> str:
    value = answer[0] if isinstance(answer, list) and answer else answer
    return value.strip().lower() if isinstance(value, str) else ""
