"""The request log: one JSON line for each request, written once its answer has left."""

import json
import threading
from pathlib import Path
from typing import Any, TextIO


class Journal:
    """Write lines to a file, or only count them when there is none."""

    def __init__(self, path: Path | None) -> None:
        self.arrived = 0
        self.written = 0
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")

    def expect(self) -> None:
        """Count a request whose line will follow."""
        with self._lock:
            self.arrived += 1

    def write(self, line: dict[str, Any]) -> None:
        """Append one line and flush it."""
        text = json.dumps(line) + "\n"
        with self._lock:
            self.written += 1
            if self._file is not None:
                self._file.write(text)
                self._file.flush()

    def close(self) -> None:
        """Close the file; later lines are only counted."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
