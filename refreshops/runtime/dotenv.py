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
# Settings of the simulator that came later than the first .env files.
CAME_LATER = ("FLINKS_WEBHOOK_KEY",)
THIS_MACHINE = re.compile(r"^FLINKS_API_URL=[\"']?http://(127\.|localhost|\[::1\])", re.MULTILINE)


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
    if not THIS_MACHINE.search(known):
        return []
    missing = [name for name in CAME_LATER if not re.search(rf"\b{name}\b", known)]
    example = (ROOT / ".env.example").read_text("utf-8").splitlines()
    lines = [line for line in example for name in missing if line.startswith(f"{name}=")]
    if lines:
        with file.open("a", encoding="utf-8") as end:
            end.write("\n".join(["" if known.endswith("\n") else "\n", *lines]) + "\n")
    return missing


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
