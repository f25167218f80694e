"""`python -m refreshops.runtime.dotenv`: write .env for the simulator, once; or print fresh keys.

One that was written by an older version gets what the simulator has needed since.

Standard library only: it runs before there is a SECRET_KEY.
"""

import base64
import os
import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS")
# Settings of the simulator that came later than the first .env files; of each group all are added,
# or none when the first stands there in any way.
CAME_LATER = (
    ("FLINKS_WEBHOOK_KEY",),
    ("FLANKS_API_URL", "FLANKS_CLIENT_ID", "FLANKS_CLIENT_SECRET"),
)
# At the simulator, wherever that listens.
AT_THE_SIMULATOR = ("FLANKS_API_URL",)
THIS_MACHINE = re.compile(
    r"^FLINKS_API_URL=[\"']?(http://(?:127\.|localhost|\[::1\])[^/\s\"']*/)", re.MULTILINE
)


def fresh_keys() -> dict[str, str]:
    """Return a new value for each setting that must be nobody else's."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def fill_in(example: str, *, values: dict[str, str]) -> str:
    """Return the example with `values` after the names that stand there empty.

    Raises LookupError when a name is missing, so that the example cannot drift from this.
    """
    lines = example.splitlines()
    for name, value in values.items():
        if f"{name}=" not in lines:
            raise LookupError(f".env.example has no line {name}=")
        lines[lines.index(f"{name}=")] = f"{name}={value}"
    return "\n".join(lines) + "\n"


def write(folder: Path) -> bool:
    """Write `folder`/.env, readable by its owner alone; False when there is one already."""
    text = fill_in((ROOT / ".env.example").read_text("utf-8"), values=fresh_keys())
    try:
        handle = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def top_up(folder: Path) -> list[str]:
    """Add to `folder`/.env what the simulator has needed since; return the names that were added.

    Only for the simulator, and only a name that does not stand there in any way: who emptied a
    setting, or wrote it behind a #, meant it.
    """
    file = folder / ".env"
    known = file.read_text("utf-8")
    simulator = THIS_MACHINE.search(known)
    if simulator is None:
        return []
    missing = [
        name
        for group in CAME_LATER
        if not _stands(group[0], known)
        for name in group
        if not _stands(name, known)
    ]
    lines = [f"{name}={_value(name, simulator=simulator[1])}" for name in missing]
    if lines:
        with file.open("a", encoding="utf-8") as end:
            end.write("\n".join(["" if known.endswith("\n") else "\n", *lines]) + "\n")
    return missing


def _stands(name: str, text: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


def _value(name: str, *, simulator: str) -> str:
    """Return what the example has for a setting; the address is that of the simulator in use."""
    if name in AT_THE_SIMULATOR:
        return simulator
    example = (ROOT / ".env.example").read_text("utf-8").splitlines()
    (line,) = [line for line in example if line.startswith(f"{name}=")]
    return line.partition("=")[2]


def surroundings(added: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a program that we start, with settings of its own."""
    return {**os.environ, **added}


def main(arguments: list[str]) -> int:
    """Run the command line: no argument, or --print-keys."""
    if arguments == ["--print-keys"]:
        for name, value in fresh_keys().items():
            print(f"{name}={value}")
    elif arguments:
        print("usage: python -m refreshops.runtime.dotenv [--print-keys]", file=sys.stderr)
        return 2
    elif write(ROOT):
        print("Wrote .env with fresh keys, for the simulator on this machine.")
    elif added := top_up(ROOT):
        print(f"Added to .env for the simulator: {', '.join(added)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
