"""The two files that end every archive.

`manifest.csv` says what is in the archive and what is missing; `SHA256SUMS` is for `sha256sum -c`.
"""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from labels.archives.parts import Trailer

NAME = "manifest.csv"
SUMS_NAME = "SHA256SUMS"
COLUMNS = ("name", "sha256", "size", "taken_at", "labels", "missing")


def line(
    name: str, sha256: str, size: int, taken_at: datetime | None, labels: str, missing: str = ""
) -> bytes:
    """Return one line as UTF-8; `taken_at` is a datetime (the camera's wall clock) or None."""
    taken = taken_at.strftime("%Y-%m-%dT%H:%M:%S") if taken_at else ""
    return _encode((name, sha256, size, taken, labels, missing))


def heading() -> bytes:
    return _encode(COLUMNS)


def labels_text(labels: Iterable[tuple[str, float]]) -> str:
    """Return [(name, confidence)] as one cell: "Sky 97.1; Plant 88.0"."""
    return "; ".join(f"{name} {confidence:.1f}" for name, confidence in labels)


def sums_line(name: str, sha256: str) -> bytes:
    """Return one line of SHA256SUMS. A safe name needs none of the escapes that sha256sum knows."""
    return f"{sha256}  {name}\n".encode()


def _encode(cells: Iterable[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()


def _line_bytes(photo: Any) -> int:
    return len(line(photo.name, photo.sha256, photo.size, photo.taken_at, photo.labels))


def _sums_line_bytes(photo: Any) -> int:
    return len(sums_line(photo.name, photo.sha256))


# The files that end every archive, in this order. Their entries have the columns of a line as attributes.
TRAILERS = (
    Trailer(name=NAME, fixed_bytes=len(heading()), line_bytes=_line_bytes),
    Trailer(name=SUMS_NAME, fixed_bytes=0, line_bytes=_sums_line_bytes),
)
RESERVED = (NAME, SUMS_NAME)
