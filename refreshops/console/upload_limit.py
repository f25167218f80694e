"""Refuses a request with too large a file before its body is read: no page needs more."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

from refreshops.logins.uploads import SIZE_CAP

# The form around the file.
BESIDES = 64 * 1024
TOO_LARGE = (
    f"A file may have at most {SIZE_CAP // 1024 // 1024} MB here. Go back and send it in parts."
)


class SmallFilesOnly(FileUploadHandler):
    """The first handler of every upload; it keeps nothing, and lets the next ones work."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        """Look at the length that was announced; no more than that is ever read."""
        if content_length > SIZE_CAP + BESIDES:
            raise RequestDataTooBig(TOO_LARGE)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass on."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""
