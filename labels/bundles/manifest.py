"""Pure: `manifest.csv`, the last file of every archive, says what is in it and what is missing."""

import csv
import io

NAME = "manifest.csv"
COLUMNS = ("name", "sha256", "size", "taken_at", "labels", "missing")


def line(name, sha256, size, taken_at, labels, missing=""):
    """Return one line as UTF-8; `taken_at` is a datetime (the camera's wall clock) or None."""
    taken = taken_at.strftime("%Y-%m-%dT%H:%M:%S") if taken_at else ""
    return _encode((name, sha256, size, taken, labels, missing))


def heading():
    """Return the first line as UTF-8."""
    return _encode(COLUMNS)


def labels_text(labels):
    """Return [(name, confidence)] as one cell: "Sky 97.1; Plant 88.0"."""
    return "; ".join(f"{name} {confidence:.1f}" for name, confidence in labels)


def _encode(cells):
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
