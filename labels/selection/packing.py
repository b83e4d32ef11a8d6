"""Pure: a photo as two short ASCII texts (models.PhotoSummary), six bits in a character."""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol

from labels.archives import format as zipformat
from labels.archives import manifest
from labels.archives.names import file_key, numbers_plainly, safe_name

# The fields of `facts` and their characters.
FACTS = {"key": 16, "id": 8, "moment": 10, "bytes": 8, "kind": 1}
_LABEL_SIZE = 4
_END_OF_PHOTO = "0" * _LABEL_SIZE  # no label has the id 0
ZERO = ord("0")

# How a name becomes unique: numbered like its twins, in ways that only archives.names knows, or at once.
PLAIN, SPECIAL, RESERVED = 0, 1, 2
_RESERVED_KEYS = frozenset(file_key(name) for name in (manifest.NAME, manifest.SUMS_NAME))


class _Photo(Protocol):
    pk: int
    original_name: str
    size: int
    sha256: str
    taken_at: datetime | None
    uploaded_at: datetime


def pack(photo: _Photo, labels: Collection[tuple[int, str, float]]) -> tuple[str, str]:
    """Return (facts, labels) of a photo that shows these [(label id, name, confidence)]."""
    name = safe_name(photo.original_name)
    key = file_key(name)
    kind = RESERVED if key in _RESERVED_KEYS else PLAIN if numbers_plainly(name) else SPECIAL
    shown_at = (photo.taken_at or photo.uploaded_at).replace(tzinfo=None) - datetime.min
    text = manifest.labels_text((name, confidence) for _, name, confidence in labels)
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:12])
    moment = shown_at // timedelta(microseconds=1)
    facts = (digest, photo.pk, moment, _archive_bytes(photo, name, text), kind)
    ids = sorted(label_id for label_id, _, _ in labels)
    ids_text = "".join(_digits(label_id, _LABEL_SIZE) for label_id in ids) + _END_OF_PHOTO
    return "".join(map(_digits, facts, FACTS.values())), ids_text


def _archive_bytes(photo: _Photo, name: str, labels: str) -> int:
    """Return what the photo adds to an archive that needs no zip64, unless its name gets a number."""
    headers = zipformat.LOCAL_SIZE + zipformat.CENTRAL_SIZE + 2 * len(name.encode())
    line = manifest.line(name, photo.sha256, photo.size, photo.taken_at, labels)
    return headers + photo.size + len(line) + len(manifest.sums_line(name, photo.sha256))


def _digits(number: int, width: int) -> str:
    if number >> (6 * width):
        raise ValueError(f"{number} needs more than {width} characters")
    return "".join(chr(ZERO + (number >> 6 * place & 63)) for place in reversed(range(width)))
