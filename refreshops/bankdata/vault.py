"""Compress, then encrypt at rest, with keys that rotate: the newest writes, all of them read."""

import json
import zlib
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Sealed(Exception):
    """None of our keys opens this payload: a key is missing from FIELD_ENCRYPTION_KEYS."""


class Vault:
    """Seals JSON values into bytes and opens them again."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, value: Any) -> bytes:
        """Return `value` as encrypted bytes."""
        plain = json.dumps(value, separators=(",", ":")).encode()
        return self._fernet.encrypt(zlib.compress(plain, 1))

    def open(self, sealed: bytes | memoryview) -> Any:
        """Return the JSON value; raise `Sealed` when no key fits."""
        try:
            plain = self._fernet.decrypt(bytes(sealed))
        except InvalidToken as error:
            raise Sealed("No key in FIELD_ENCRYPTION_KEYS opens this snapshot.") from error
        return json.loads(zlib.decompress(plain))

    def rotate(self, sealed: bytes | memoryview) -> bytes:
        """Return the same payload under the newest key; raise `Sealed` when no key fits."""
        try:
            return self._fernet.rotate(bytes(sealed))
        except InvalidToken as error:
            raise Sealed("No key in FIELD_ENCRYPTION_KEYS opens this snapshot.") from error
