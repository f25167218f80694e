"""Documents that can rot, held against the code: settings, commands, runbook, decisions, links."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from refreshops.console.words import WHO_ACTS
from refreshops.logins.models import PauseKind
from refreshops.logins.register_rows import COLUMNS
from refreshops.rules.outcomes import MEANING_OF, Outcome

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
    if not path.name.startswith(".")
)

SETTINGS = ast.parse((ROOT / "refreshops" / "settings.py").read_text())
ENVIRONMENT = ast.parse((ROOT / "refreshops" / "environment.py").read_text())


def settings_in_code() -> dict[str, object]:
    """Return each name that settings.py reads, with its default; `...` where it has none."""
    readers = {
        node.name
        for node in ast.walk(ENVIRONMENT)
        if isinstance(node, ast.FunctionDef) and node.args.args[:1]
        if node.args.args[0].arg == "name" and node.name != "refuse"
    }
    found: dict[str, object] = {}
    for node in (*ast.walk(SETTINGS), *ast.walk(ENVIRONMENT)):
        match node:
            case ast.Call(
                func=ast.Name(id=reader),
                args=[ast.Constant(value=str(name)), *rest],
                keywords=named,
            ) if reader in readers:
                defaults = [*rest, *(one.value for one in named if one.arg == "default")]
                default = defaults[0] if defaults else None
                found[name] = default.value if isinstance(default, ast.Constant) else ...
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=name), *_]):
                found[name] = ...
    return found


def settings_in_readme() -> dict[str, str]:
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", README, re.MULTILINE))


def settings_in_example() -> set[str]:
    text = (ROOT / ".env.example").read_text()
    return set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))


def test_the_readme_has_every_setting_and_no_other():
    assert settings_in_readme().keys() == settings_in_code().keys()


def test_the_example_has_every_setting_and_no_other():
    assert settings_in_example() == settings_in_code().keys()


def test_the_readme_has_the_right_defaults():
    told = settings_in_readme()
    for name, default in settings_in_code().items():
        if isinstance(default, bool):
            assert told[name] == str(default).lower(), name
        elif isinstance(default, int | float):
            assert told[name] == f"{default:g}", name
        elif default == "":
            assert told[name] == "empty", name
        elif isinstance(default, str):
            assert told[name] == f"`{default}`", name


def test_a_setting_without_a_default_is_called_required():
    told = {name for name, default in settings_in_readme().items() if default == "required"}

    assert told == {
        "SECRET_KEY",
        "FIELD_ENCRYPTION_KEYS",
        "ALLOWED_HOSTS",
        "FLINKS_API_URL",
        "FLINKS_CUSTOMER_ID",
    }


def sections(text: str) -> dict[str, str]:
    """Return the body below each heading."""
    parts = re.split(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("outcome", Outcome, ids=str)
def test_the_runbook_says_what_to_do_about_each_outcome(outcome):
    body = sections(RUNBOOK)[f"{MEANING_OF[outcome].label} (`{outcome}`)"]

    assert len(body.split()) > 15


@pytest.mark.parametrize("outcome", Outcome, ids=str)
def test_the_runbook_and_a_login_say_the_same_of_an_outcome(outcome):
    row = MEANING_OF[outcome]
    body = sections(RUNBOOK)[f"{row.label} (`{outcome}`)"]

    said = f"**{WHO_ACTS[row.actor]}** {row.meaning} {row.next_step}"

    assert " ".join(body.split()).startswith(said), "docs/runbook.md is not as rules/outcomes.py"


@pytest.mark.parametrize("kind", PauseKind, ids=str)
def test_the_runbook_says_what_to_do_about_each_pause(kind):
    under_pauses = RUNBOOK.partition("## A provider is paused\n")[2]
    headings = [name for name in sections(under_pauses) if name.endswith(f"(`{kind}`)")]

    assert len(headings) == 1
    assert kind.label.lower() in headings[0].lower()
    assert len(sections(under_pauses)[headings[0]].split()) > 10


@pytest.mark.parametrize(
    "trouble",
    [
        "No worker",
        "Today's run is missing",
        "Unconfirmed switch-off",
        "Restoring a backup",
        "Rotating keys",
    ],
)
def test_the_runbook_has_a_heading_for_the_trouble(trouble):
    assert len(sections(RUNBOOK)[trouble].split()) > 50


def test_every_command_named_exists():
    make = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    manage = set(get_commands())
    for path in DOCUMENTS:
        text = path.read_text()
        for name in re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE):
            assert name in make, f"{path.name}: make {name}"
        for name in re.findall(r"manage\.py ([a-z_]+)", text):
            assert name in manage, f"{path.name}: manage.py {name}"


def test_the_readme_has_the_header_of_the_import():
    assert f"`{','.join(COLUMNS)}`" in README


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} -> {target}"


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_one_page_of_context_decision_and_consequences(path):
    text = path.read_text()

    assert list(sections(text))[1:] == ["Context", "Decision", "Consequences"]
    assert len(text.split()) <= 400
    assert text.startswith(f"# {int(path.name[:4])}. ")


def test_the_decisions_are_numbered_without_a_gap():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_words_of_the_house_are_kept(path):
    """Design section 2: a run is no job, an attempt no item; "sync" and "cron" say nothing."""
    text = re.sub(r"`[^`]*`", "", path.read_text())

    assert not re.findall(r"\b(cron ?jobs?|batch job|sync(?:hroni[sz]e)?)\b", text, re.IGNORECASE)
