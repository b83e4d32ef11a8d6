"""Pure: what the index needs to know of a photo, as numbers (the columns of models.PhotoSummary)."""

import hashlib
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Protocol

from labels.archives import format as zipformat
from labels.archives import manifest
from labels.archives.names import file_key, numbers_plainly, safe_name

# How a name becomes unique. PLAIN: the k-th of its family is "name (k).jpg". NUMBERED: it has a number
# already, or is a name of our own files, so that archives.names has to look at its whole family. ODD: names
# of other families may come to equal it.
PLAIN, NUMBERED, ODD = range(3)
_RESERVED_KEYS = frozenset(file_key(name) for name in manifest.RESERVED)
_NUMBER = re.compile(r" \(\d+\)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Photo(Protocol):
    original_name: str
    size: int
    sha256: str
    taken_at: datetime | None
    uploaded_at: datetime


def facts(photo: _Photo, labels: Collection[tuple[int, str, float]]) -> dict[str, int | str]:
    """Return the columns of a photo that shows these [(label id, name, confidence)]."""
    name = safe_name(photo.original_name)
    family, kind = _family(name)
    text = manifest.labels_text((label, confidence) for _, label, confidence in labels)
    return {
        "moment": moment(photo.taken_at or photo.uploaded_at),
        "size": photo.size,
        "archive_bytes": _archive_bytes(photo, name, text),
        "name_bytes": len(name.encode()),
        # 63 bits: signed columns have no more. Names that share them by chance get too large a plan.
        "name_family": int.from_bytes(hashlib.sha256(family.encode()).digest()[:8]) >> 1,
        "name_kind": kind,
        "labels": " ".join(map(str, sorted(label_id for label_id, _, _ in labels))),
    }


def moment(shown_at: datetime) -> int:
    """Return a moment in microseconds since 1970."""
    return (shown_at - _EPOCH) // timedelta(microseconds=1)


def name_bytes(name: str) -> int:
    """Return what a name adds to an archive, the quotes of the manifest included."""
    sums = len(manifest.sums_line(name, ""))
    return 2 * len(name.encode()) + len(manifest.line(name, "", 0, None, "")) + sums


def _family(name: str) -> tuple[str, int]:
    """Return what a name shares with all that may get the same number, and its kind."""
    key = file_key(name)
    family = key
    # A number may stand between two halves of another one.
    while (shorter := _NUMBER.sub("", family)) != family:
        family = shorter
    if not numbers_plainly(name):
        return family, ODD
    return family, PLAIN if family == key and key not in _RESERVED_KEYS else NUMBERED


def _archive_bytes(photo: _Photo, name: str, labels: str) -> int:
    """Return what the photo adds to an archive, unless 4 GiB lie before it or its name gets a number."""
    name_size = len(name.encode())
    headers = zipformat.local_header_size(name_size, photo.size)
    headers += zipformat.central_header_size(name_size, photo.size, offset=0)
    line = manifest.line(name, photo.sha256, photo.size, photo.taken_at, labels)
    return headers + photo.size + len(line) + len(manifest.sums_line(name, photo.sha256))
