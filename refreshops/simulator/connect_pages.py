"""The pages of the fake Flinks Connect: plain forms, and the events their script passes on."""

import json
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from refreshops.simulator.banks import BANKS, FLINKS_CAPITAL
from refreshops.simulator.connect_words import WORDS
from refreshops.simulator.messages import Reply
from refreshops.simulator.visits import Step, Visit

ASSETS = Path(__file__).parent / "assets"
ASSET_TYPES = {
    "connect.css": "text/css; charset=utf-8",
    "connect.js": "text/javascript; charset=utf-8",
    "connect.svg": "image/svg+xml",
}
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}
LOAD_EVENTS = {
    Step.CONSENT: "COMPONENT_LOAD_CONSENT",
    Step.INSTITUTIONS: "COMPONENT_LOAD_INSTITUTION_SELECTOR",
    Step.CREDENTIAL: "COMPONENT_LOAD_CREDENTIAL",
    Step.MFA: "COMPONENT_LOAD_MFA",
    Step.ACCOUNTS: "COMPONENT_LOAD_ACCOUNT_SELECTION",
    Step.CLOSED: "COMPONENT_CLOSE_SESSION",
}
RETRIED = (Step.CREDENTIAL, Step.MFA)


def asset(name: str) -> Reply | None:
    """Return the script, the stylesheet or the icon."""
    if name not in ASSET_TYPES:
        return None
    headers = {"Cache-Control": "no-cache"}
    body = (ASSETS / name).read_bytes()
    return Reply(200, body, content_type=ASSET_TYPES[name], headers=headers)


def notice(
    what: str, *, status: int, language: str = "en", text: str | None = None, code: str
) -> Reply:
    """Return a page that leads nowhere: an expired session, a bad token, a wrong address."""
    words = WORDS[language]
    said = text if text is not None else words[f"{what}_text"]
    inner = f"<h1>{escape(words[what])}</h1><p>{escape(said)}</p>"
    return _page(inner, title=words[what], language=language, events=[{"step": code}], code=status)


def page_of(
    visit: Visit, *, hints: Iterable[str] = (), accounts: Iterable[dict[str, Any]] = ()
) -> Reply:
    """Return the page of the step a visit is at; `hints` say what a simulator may say."""
    words = {key: text.replace("{bank}", visit.bank_name) for key, text in _words(visit).items()}
    accounts = list(accounts)
    parts = {
        Step.CONSENT: _consent,
        Step.INSTITUTIONS: _institutions,
        Step.CREDENTIAL: _credential,
        Step.MFA: _mfa,
        Step.ACCOUNTS: lambda visit, words: _accounts(visit, words, accounts),
        Step.DONE: _done,
        Step.CLOSED: lambda visit, words: f"<p>{escape(words['closed_text'])}</p>",
    }
    title = words["sign_in" if visit.step is Step.CREDENTIAL else visit.step.value]
    problem = words.get(visit.problem or "", visit.problem)
    told = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    inner = f"<h1>{escape(title)}</h1>{told}{parts[visit.step](visit, words)}"
    if visit.wishes.closable and visit.step not in (Step.DONE, Step.CLOSED):
        inner += _form(visit, "close", _button(words["close"], plain=True))
    next_page = visit.landing() if visit.step is Step.DONE else None
    return _page(
        inner,
        title=title,
        language=visit.wishes.language,
        events=_events(visit, accounts=len(accounts)),
        hints=hints,
        next_page=next_page if visit.framed else None,
    )


def _events(visit: Visit, *, accounts: int) -> list[dict[str, Any]]:
    """Return what happened since the last page, and what this one is."""
    events, visit.once = list(visit.once), []
    if visit.step is Step.DONE:
        done = {"step": "REDIRECT", "institution": visit.bank_name, "url": visit.landing()}
        return [*events, done]
    event: dict[str, Any] = {"step": LOAD_EVENTS[visit.step]}
    if visit.problem and visit.step in RETRIED:
        event["step"] += "_RETRY"
    if visit.step is Step.ACCOUNTS:
        event |= {"totalAccounts": accounts, "displayedAccounts": accounts}
    return [*events, event]


def _words(visit: Visit) -> dict[str, str]:
    return WORDS[visit.wishes.language]


def _consent(visit: Visit, words: dict[str, str]) -> str:
    text = f"<p>{escape(words['consent_text'])}</p>"
    deny = _form(visit, "deny", _button(words["deny"], plain=True))
    return text + _form(visit, "accept", _button(words["accept"])) + deny


def _institutions(visit: Visit, words: dict[str, str]) -> str:
    banks = (FLINKS_CAPITAL, *BANKS) if visit.wishes.demo else BANKS
    buttons = "".join(
        f'<button name="institution" value="{escape(bank.name)}">{escape(bank.name)}</button>'
        for bank in banks
    )
    return _form(visit, "institution", buttons, listing=True)


def _credential(visit: Visit, words: dict[str, str]) -> str:
    fields = (
        _field("username", words["username"], value=visit.username),
        _field("password", words["password"], kind="password"),
        _button(words["submit"]),
    )
    form = _form(visit, "credential", "".join(fields), event="SUBMIT_CREDENTIAL")
    return form + _form(visit, "back", _button(words["back"], plain=True))


def _mfa(visit: Visit, words: dict[str, str]) -> str:
    fields = [_field(f"answer-{place}", prompt) for place, prompt in enumerate(visit.prompts)]
    return _form(visit, "mfa", "".join(fields) + _button(words["submit"]), event="SUBMIT_MFA")


def _accounts(visit: Visit, words: dict[str, str], accounts: list[dict[str, Any]]) -> str:
    kind = "checkbox" if visit.wishes.several_accounts else "radio"
    fields = [
        f'<label class="choice"><input type="{kind}" name="account" value="{row["Id"]}"'
        f"{' checked' if not place else ''}>{escape(row['Title'])}</label>"
        for place, row in enumerate(accounts)
    ]
    return _form(visit, "accounts", "".join(fields) + _button(words["submit"]))


def _done(visit: Visit, words: dict[str, str]) -> str:
    landing = visit.landing()
    if landing is None:
        return f"<p>{escape(words['done_text'])}</p>"
    return f'<a class="button" href="{escape(landing)}">{escape(words["go_on"])}</a>'


def _field(name: str, label: str, *, value: str = "", kind: str = "text") -> str:
    return (
        f'<label>{escape(label)}<input type="{kind}" name="{name}" value="{escape(value)}"'
        ' autocomplete="off" autocapitalize="none" spellcheck="false"></label>'
    )


def _button(text: str, *, plain: bool = False) -> str:
    return f"<button{' class=plain' if plain else ''}>{escape(text)}</button>"


def _form(visit: Visit, action: str, inner: str, *, event: str = "", listing: bool = False) -> str:
    shape = ' class="list"' if listing else ""
    return (
        f'<form method="post" action="/v2/visit/{visit.visit_id}" id="{action}"'
        f'{shape} data-event="{event}"><input type="hidden" name="action" value="{action}">'
        f'<input type="hidden" name="framed" value="">{inner}</form>'
    )


def _page(
    inner: str,
    *,
    title: str,
    language: str,
    events: list[dict[str, Any]],
    hints: Iterable[str] = (),
    next_page: str | None = None,
    code: int = 200,
) -> Reply:
    words = WORDS[language]
    told = "".join(f"<li>{escape(hint)}</li>" for hint in hints)
    aside = f'<aside class="hint"><p>{escape(words["hint"])}</p><ul>{told}</ul></aside>'
    leading = f' data-next="{escape(next_page)}"' if next_page else ""
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · SIMULATOR</title>"
        '<link rel="icon" href="/v2/assets/connect.svg">'
        '<link rel="stylesheet" href="/v2/assets/connect.css">'
        '<script src="/v2/assets/connect.js" defer></script></head>'
        f'<body data-events="{escape(json.dumps(events))}"{leading}>'
        f'<p class="banner">{escape(words["simulator"])}</p><main>{inner}</main>'
        f"{aside if told else ''}</body></html>"
    )
    content_type = "text/html; charset=utf-8"
    return Reply(code, html.encode(), content_type=content_type, headers=dict(HEADERS))
