"""The two files that end every archive: what is in it and what is missing, and sums for `sha256sum -c`."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime

from labels.archives.names import safe_cell
from labels.archives.parts import Trailer

NAME = "manifest.csv"
SUMS_NAME = "SHA256SUMS"
COLUMNS = ("name", "sha256", "size", "taken_at", "labels", "missing")


def line(
    name: str, sha256: str, size: int, taken_at: datetime | None, labels: str, missing: str = ""
) -> bytes:
    taken = taken_at.strftime("%Y-%m-%dT%H:%M:%S") if taken_at else ""
    return _encode((name, sha256, size, taken, labels, missing))


def heading() -> bytes:
    return _encode(COLUMNS)


def labels_text(labels: Iterable[tuple[str, float]]) -> str:
    """Return [(name, confidence)] as one cell: "Sky 97.1; Plant 88.0"."""
    return "; ".join(f"{safe_cell(name)} {confidence:.1f}" for name, confidence in labels)


def sums_line(name: str, sha256: str) -> bytes:
    # A safe name needs none of the escapes that sha256sum knows.
    return f"{sha256}  {name}\n".encode()


def _encode(cells: Iterable[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()


# In this order. Entries have the columns of a line as attributes.
TRAILERS = (
    Trailer(NAME, len(heading()), lambda of: len(line(of.name, of.sha256, of.size, of.taken_at, of.labels))),
    Trailer(SUMS_NAME, 0, lambda of: len(sums_line(of.name, of.sha256))),
)
RESERVED = (NAME, SUMS_NAME)
