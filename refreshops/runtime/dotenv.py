"""`python -m refreshops.runtime.dotenv`: write .env for the simulator, once; or print fresh keys.

Standard library only: it runs before there is a SECRET_KEY.
"""

import base64
import os
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS")


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
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
