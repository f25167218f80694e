"""`manage.py write_docs [--check]`: write the generated documents, or say which one differs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import refreshops
from refreshops.runtime.docs import documents

DOCS = Path(refreshops.__file__).resolve().parent.parent / "docs"


class Command(BaseCommand):
    """Exit 0 when docs/ is as the code says, 1 with `--check` when it is not."""

    help = "Write the generated documents into docs/; --check only compares."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take `--check`, and for tests another folder."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail on changes")
        parser.add_argument("--folder", type=Path, default=DOCS, help="where to write")

    def handle(self, *args: Any, check: bool, folder: Path, **options: Any) -> None:
        """Compare or write each document."""
        differing = [name for name, text in documents().items() if _text(folder / name) != text]
        if check and differing:
            files = ", ".join(f"docs/{name}" for name in differing)
            raise CommandError(f"Not as the code says: {files}. Run `manage.py write_docs`.")
        for name in differing:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(documents()[name], encoding="utf-8")
        self.stdout.write(f"{len(differing)} of {len(documents())} documents written.")


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
