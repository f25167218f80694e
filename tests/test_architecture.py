"""The house rules of docs/architecture.md, read from the syntax tree of every module."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import quantiles

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = "refreshops"

# Each folder imports itself, and of ours only what stands here. Imports point down.
BELOW: dict[str, frozenset[str]] = {
    "rules": frozenset(),
    "providers": frozenset({"rules"}),
    "tracing": frozenset({"rules", "providers"}),
    "logins": frozenset({"rules", "providers"}),
    "bankdata": frozenset({"rules", "providers", "tracing", "logins"}),
}
BELOW["routine"] = BELOW["bankdata"] | {"bankdata"}
BELOW["connect"] = BELOW["routine"] | {"routine"}
BELOW["console"] = BELOW["connect"] | {"connect"}
BELOW["runtime"] = BELOW["connect"] | {"connect"}
BELOW["simulator"] = frozenset()
BELOW["wiring"] = BELOW["routine"] | {"routine", "environment"}

# Edges: a person, a queue or a command line starts something here, so here things are composed.
EDGES = ("console", "runtime")
EDGE_FILES = (
    "routine/tasks.py",
    "routine/foreground.py",
    "connect/views.py",
    "connect/webhooks.py",
    "connect/tasks.py",
    "urls.py",
    "wsgi.py",
)

SETTINGS_READERS = ("settings.py", "wiring/__init__.py", "wiring/demo.py")
ENVIRONMENT_READERS = ("environment.py", "runtime/dotenv.py")
QUEUE_USERS = ("runtime/", "routine/schedules.py")
FRAMEWORKS = ("django", "django_q", "environ", "csp", "whitenoise")

DUMPING_GROUNDS = {"utils", "helpers", "common", "core", "constants", "exceptions", "signals"}
PROVIDER_WORDS = {"LoginId", "RequestId", "FlinksCode", "MostRecentCached", "credentials_token"}
PROVIDERS = ("flinks", "flanks")
PROVIDER_FOLDERS = ("providers/flinks/", "providers/flanks/", "simulator/")
# Where providers are put together out of settings: the only ones that know which there are.
COMPOSERS = (
    "wiring/__init__.py",
    "wiring/clients.py",
    "wiring/vocabulary.py",
    "settings.py",
)
# What the second provider calls things. The first one's words stand as headings on mixed lists.
SECOND_PROVIDERS_WORDS = re.compile(
    r"credentials_token|(sca|reset|transaction)_token|errored|error_code|ignore_data_error"
    r"|last_update_timestamp|\b(2000[123]|40001|5000[123])\b",
    re.IGNORECASE,
)
# What people read, and what serves a browser.
SHOWN = ("templates", "static")

LONGEST_MODULE = 300
LONGEST_FUNCTION = 50
LONG_FUNCTION_P90 = 25


@dataclass(frozen=True)
class Module:
    """One source file: its path below the package, its dotted name, its text and tree."""

    path: str
    name: str
    text: str
    tree: ast.Module

    @property
    def folder(self) -> str:
        """The folder right below the package; empty for modules that lie in it."""
        return self.path.split("/")[0] if "/" in self.path else ""

    @property
    def is_command(self) -> bool:
        return "/management/commands/" in self.path


def read_module(path: str, text: str) -> Module:
    """Parse a module; `path` is relative to the package."""
    dotted = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    name = OURS if dotted == "__init__" else f"{OURS}.{dotted}"
    return Module(path, name, text, ast.parse(text))


@cache
def modules() -> tuple[Module, ...]:
    """All modules but the migrations, which Django writes."""
    package = ROOT / OURS
    files = sorted(path for path in package.rglob("*.py") if "migrations" not in path.parts)
    return tuple(
        read_module(path.relative_to(package).as_posix(), path.read_text()) for path in files
    )


def imports_of(module: Module) -> Iterator[str]:
    """Yield the dotted name of everything a module imports, wherever in it, relative ones too."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{_base(module, node)}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node).endswith(("import_module", "__import__")):
            yield from (
                arg.value
                for arg in node.args
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            )


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    above = node.level - module.path.endswith("__init__.py")
    return ".".join(parts[: len(parts) - above] + ([node.module] if node.module else []))


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func)


def our_folders_in(module: Module) -> set[str]:
    """Return which of our folders and top-level modules a module imports."""
    found = (name.split(".") for name in imports_of(module))
    return {parts[1] for parts in found if parts[0] == OURS and len(parts) > 1}


# --- The rules: each returns the places that break it. ---


def wrong_directions(module: Module) -> set[str]:
    allowed = BELOW.get(module.folder)
    if allowed is None:
        return set()
    composes = module.folder in EDGES or module.path in EDGE_FILES or module.is_command
    allowed = allowed | {module.folder} | ({"wiring"} if composes else set())
    if module.folder == "simulator":
        allowed = frozenset({"simulator"})
    return {f"{module.path} imports {name}" for name in our_folders_in(module) - allowed}


def foreign_imports(module: Module) -> set[str]:
    outside = {name.split(".")[0] for name in imports_of(module)} - {OURS}
    simulates = module.folder == "simulator" and not (
        module.is_command or module.path == "simulator/apps.py"
    )
    if module.folder == "rules" or simulates:
        bad = outside - sys.stdlib_module_names
    elif module.folder == "providers":
        bad = outside & set(FRAMEWORKS)
    else:
        bad = set()
    return {f"{module.path} imports {name}" for name in bad}


def queue_imports(module: Module) -> set[str]:
    if module.path.endswith("/tasks.py") or module.path.startswith(QUEUE_USERS):
        return set()
    return {f"{module.path} imports {name}" for name in imports_of(module) if _is_queue(name)}


def _is_queue(name: str) -> bool:
    return name.split(".")[0] == "django_q"


def settings_read(module: Module) -> set[str]:
    if module.path in SETTINGS_READERS:
        return set()
    found = set()
    names = set(imports_of(module))
    if f"{OURS}.settings" in names:
        found.add(f"{module.path} imports {OURS}.settings")
    if "django.conf.settings" in names:
        found |= {
            f"{module.path}:{node.lineno} reads settings.{node.attr}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "settings"
            # The one setting that a model must name (a swappable user).
            if node.attr != "AUTH_USER_MODEL"
        }
    return found


def environment_read(module: Module) -> set[str]:
    if module.path in ENVIRONMENT_READERS:
        return set()
    allowed = set(_settings_named(module.tree))
    found = {
        f"{module.path}:{node.lineno} reads {ast.unparse(node)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node not in allowed
        if ast.unparse(node) in ("os.environ", "os.getenv", "os.environb", "os.putenv")
    }
    names = {name for name in imports_of(module) if name.split(".")[0] == "environ"}
    names |= {name for name in imports_of(module) if name in ("os.environ", "os.getenv")}
    return found | {f"{module.path} imports {name}" for name in names}


def _settings_named(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the `os.environ` of the one value that Django asks of every program starting it."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=environment, attr="setdefault"),
                args=[ast.Constant(value="DJANGO_SETTINGS_MODULE"), _],
            ):
                yield environment


def provider_words(module: Module) -> set[str]:
    if module.path.startswith(PROVIDER_FOLDERS):
        return set()
    return {
        f"{module.path}:{line} says {word}"
        for line, word in _words(module.tree)
        if word in PROVIDER_WORDS
    }


def provider_folders(module: Module) -> set[str]:
    """Find imports of one provider's folder from anywhere but itself and what composes."""
    if module.path in COMPOSERS:
        return set()
    return {
        f"{module.path} imports {name}"
        for name in imports_of(module)
        for provider in PROVIDERS
        if f"{name}.".startswith(f"{OURS}.providers.{provider}.")
        and not module.path.startswith(f"providers/{provider}/")
    }


def second_providers_words(module: Module) -> set[str]:
    """Find them anywhere in the text, comments included."""
    if module.path.startswith(("providers/flanks/", "simulator/")) or module.path in COMPOSERS:
        return set()
    return said_in(module.path, module.text)


def said_in(path: str, text: str) -> set[str]:
    return {
        f"{path}:{number} says {found[0]}"
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := SECOND_PROVIDERS_WORDS.search(line))
    }


def branches_on_a_provider(module: Module) -> set[str]:
    """Find comparisons with a provider's name: whoever asks for one asks what it can do."""
    if module.path.startswith(PROVIDER_FOLDERS):
        return set()
    return {
        f"{module.path}:{node.lineno} branches on {ast.unparse(node)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Compare | ast.MatchValue)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and part.value in PROVIDERS
    }


def _words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield names, and the texts that serve as keys: not what people read."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word):
                yield node.lineno, word
            case ast.FunctionDef(name=word) | ast.ClassDef(name=word):
                yield node.lineno, word
            case ast.keyword(arg=str(word)):
                yield node.value.lineno, word
            case ast.Subscript(slice=ast.Constant(value=str(word))):
                yield node.lineno, word
            case ast.Dict(keys=keys):
                for key in keys:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield key.lineno, key.value
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(word)), *_]):
                yield node.lineno, word


def dumping_grounds(module: Module) -> set[str]:
    names = set(Path(module.path).with_suffix("").parts) & DUMPING_GROUNDS
    return {f"{module.path} is called {name}" for name in names}


def too_long(module: Module) -> set[str]:
    lines = module.text.count("\n")
    found = {f"{module.path} has {lines} lines"} if lines > LONGEST_MODULE else set()
    return found | {
        f"{module.path}: {name} has {length} lines"
        for name, length in function_lengths(module)
        if length > LONGEST_FUNCTION
    }


def function_lengths(module: Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def silent_modules(module: Module) -> set[str]:
    told = ast.get_docstring(module.tree) or not module.text.strip()
    return set() if told else {f"{module.path} does not say what it is for"}


RULES = (
    wrong_directions,
    foreign_imports,
    queue_imports,
    settings_read,
    environment_read,
    provider_words,
    provider_folders,
    second_providers_words,
    branches_on_a_provider,
    dumping_grounds,
    too_long,
    silent_modules,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_module_breaks_the_rule(rule):
    broken = sorted(place for module in modules() for place in rule(module))

    assert not broken, "\n".join(broken)


def test_no_page_says_a_word_of_the_second_provider_by_itself():
    files = [path for folder in SHOWN for path in (ROOT / folder).rglob("*") if path.is_file()]
    texts = [path for path in files if path.suffix in (".html", ".txt", ".css", ".js")]

    said = [
        place
        for path in texts
        for place in said_in(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]

    assert len(texts) > 50
    assert not said, "\n".join(sorted(said))


def test_no_template_branches_on_a_provider():
    named = re.compile(r"""{%[^%]*["'](flinks|flanks)["'][^%]*%}""", re.IGNORECASE)

    found = [
        path.name
        for path in (ROOT / "templates").rglob("*")
        if path.is_file()
        if named.search(path.read_text(encoding="utf-8"))
    ]

    assert not found


def test_nine_functions_in_ten_are_short():
    lengths = [length for module in modules() for _, length in function_lengths(module)]

    assert quantiles(lengths, n=10)[-1] <= LONG_FUNCTION_P90


def test_the_whole_package_is_read():
    folders = {module.folder for module in modules()}
    present = {path.parent.name for path in (ROOT / OURS).glob("*/__init__.py")}

    assert present <= BELOW.keys()
    assert present <= folders
    assert len(modules()) > 100


def test_no_folder_stands_above_itself():
    order = list(TopologicalSorter(BELOW).static_order())

    assert order.index("rules") < order.index("providers") < order.index("routine")


BAD = [
    (wrong_directions, "rules/a.py", "from refreshops.providers import contract"),
    (wrong_directions, "logins/a.py", "from refreshops.routine.models import Run"),
    (wrong_directions, "logins/a.py", "from ..tracing import models"),
    (wrong_directions, "logins/sub/a.py", "from ...tracing.models import Call"),
    (wrong_directions, "logins/__init__.py", "from ..tracing import models"),
    (wrong_directions, "tracing/a.py", "def f():\n    import refreshops.logins.models"),
    (wrong_directions, "routine/engine.py", "from refreshops import wiring"),
    (
        wrong_directions,
        "routine/a.py",
        "import importlib\nimportlib.import_module('refreshops.console')",
    ),
    (wrong_directions, "simulator/a.py", "from refreshops.rules import outcomes"),
    (wrong_directions, "simulator/management/commands/a.py", "from refreshops import wiring"),
    (foreign_imports, "rules/a.py", "import requests"),
    (foreign_imports, "providers/a.py", "from django.utils import timezone"),
    (foreign_imports, "simulator/a.py", "import django"),
    (queue_imports, "routine/services.py", "from django_q.tasks import async_task"),
    (settings_read, "routine/a.py", "from django.conf import settings\nx = settings.TIME_ZONE"),
    (settings_read, "console/a.py", "from refreshops import settings"),
    (environment_read, "wiring/__init__.py", "import os\nx = os.environ['A']"),
    (environment_read, "console/a.py", "import os\nif os.getenv('A'):\n    pass"),
    (environment_read, "console/a.py", "from os import environ"),
    (environment_read, "wsgi.py", "import os\nos.environ.setdefault('DEBUG', 'x')"),
    (provider_words, "routine/a.py", "x = answer.RequestId"),
    (provider_words, "console/a.py", "x = body['LoginId']"),
    (provider_words, "console/a.py", "x = body.get('FlinksCode')"),
    (provider_words, "tracing/a.py", "x = {'LoginId': 1}"),
    (provider_words, "tracing/a.py", "f(credentials_token=1)"),
    (provider_folders, "console/a.py", "from refreshops.providers.flanks import codes"),
    (provider_folders, "console/a.py", "from refreshops.providers import flinks"),
    (provider_folders, "providers/a.py", "from refreshops.providers.flinks.codes import explain"),
    (provider_folders, "providers/flanks/a.py", "from refreshops.providers.flinks import calls"),
    (provider_folders, "runtime/a.py", "from ..providers.flanks import Flanks"),
    (second_providers_words, "routine/a.py", "x = 'sca_token'"),
    (second_providers_words, "routine/a.py", "# an error_code of the provider"),
    (second_providers_words, "console/a.py", "if code == '50003':\n    pass"),
    (second_providers_words, "providers/a.py", "f(credentials_token=1)"),
    (branches_on_a_provider, "routine/a.py", "if provider.name == 'flanks':\n    pass"),
    (branches_on_a_provider, "wiring/clients.py", "x = 'flinks' != name"),
    (branches_on_a_provider, "console/a.py", "x = name in ('flanks', 'other')"),
    (branches_on_a_provider, "console/a.py", "match name:\n    case 'flinks':\n        pass"),
    (dumping_grounds, "routine/utils.py", ""),
    (dumping_grounds, "common/a.py", ""),
    (too_long, "routine/a.py", "def f():\n" + "    x = 1\n" * 50),
    (too_long, "routine/a.py", "x = 1\n" * 301),
    (silent_modules, "routine/a.py", "x = 1"),
]


@pytest.mark.parametrize(
    ("rule", "path", "text"), BAD, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_breach_is_found(rule, path, text):
    assert rule(read_module(path, text))


GOOD = [
    (wrong_directions, "routine/tasks.py", "from refreshops import wiring"),
    (wrong_directions, "logins/management/commands/a.py", "from refreshops import wiring"),
    (wrong_directions, "bankdata/a.py", "from refreshops.logins.models import Login"),
    (wrong_directions, "logins/a.py", "from . import models"),
    (queue_imports, "routine/tasks.py", "from django_q.tasks import async_task"),
    (settings_read, "a.py", "from django.conf import settings\nx = settings.AUTH_USER_MODEL"),
    (provider_words, "console/a.py", "label = 'LoginId'"),
    (provider_words, "providers/flinks/a.py", "x = body['LoginId']"),
    (provider_folders, "wiring/vocabulary.py", "from refreshops.providers.flanks import codes"),
    (provider_folders, "providers/flanks/a.py", "from refreshops.providers.flanks import codes"),
    (provider_folders, "console/a.py", "from refreshops.providers.words import ProviderWords"),
    (second_providers_words, "providers/flanks/a.py", "x = 'sca_token'"),
    (branches_on_a_provider, "wiring/clients.py", "x = {'flinks': 1}"),
    (
        environment_read,
        "wsgi.py",
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')",
    ),
]


@pytest.mark.parametrize(
    ("rule", "path", "text"), GOOD, ids=lambda value: getattr(value, "__name__", None)
)
def test_what_is_allowed_is_let_through(rule, path, text):
    assert not rule(read_module(path, text))
