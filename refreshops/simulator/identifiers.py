"""GUIDs: some grow from the seed and return with it, others are new each time."""

import hashlib
import os
import re
import uuid

GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def guid_from(*parts: object) -> str:
    """Return the one GUID that these parts always give."""
    text = "/".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def new_guid() -> str:
    """Return a GUID nobody has seen: a RequestId must never come back after a restart."""
    return str(uuid.UUID(bytes=os.urandom(16), version=4))


def canonical(text: object) -> str | None:
    """Return the lower-case GUID in `text` (braces and spaces tolerated), or None."""
    if not isinstance(text, str):
        return None
    stripped = text.strip().strip("{}").lower()
    return stripped if GUID.fullmatch(stripped) else None
