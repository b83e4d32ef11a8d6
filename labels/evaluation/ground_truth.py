"""Pure: what is on which photo, as people wrote it down or as a file's name says."""

import csv
import io
from dataclasses import dataclass
from pathlib import PurePosixPath

from labels.text.names import fold

VALUES = {"1": True, "0": False, "?": None}
# The one flag Rekognition has a name for; the Minor Outlying Islands fly the same.
AMERICAN = ("US", "UM")


class InvalidGroundTruth(Exception):
    """The table cannot be read; the message says where and why."""


@dataclass(frozen=True)
class GroundTruth:
    """`annotations[file][label]` is True, False or None for unknown; `ignored` columns hold none."""

    labels: tuple[str, ...]
    annotations: dict[str, dict[str, bool | None]]
    ignored: tuple[str, ...] = ()


def from_csv(data: bytes, columns: dict[str, str] | None = None) -> GroundTruth:
    """Return the ground truth of a CSV file: the column `file` and one a label (1 there, 0 not, ? unknown).

    `columns` maps the columns to use to their labels. Without it every column with a value in it is a
    label of its own name; those without any (a source, a size) are ignored. Raise InvalidGroundTruth.
    """
    rows = _rows(data)
    header = _header(next(rows, None))
    kept = list(rows)
    _check_rows(kept, header)
    if columns is None:
        named = [name for name in header if name != "file"]
        columns = {name: as_label(name) for name in named if _has_values(kept, header.index(name))}
    _check_columns(columns, header)
    place = header.index("file")
    annotations = {
        cells[place]: {
            label: _value(cells[header.index(column)], column, line) for column, label in columns.items()
        }
        for line, cells in kept
    }
    ignored = tuple(name for name in header if name != "file" and name not in columns)
    return GroundTruth(tuple(columns.values()), annotations, ignored)


def from_flag_names(names) -> GroundTruth:
    """Return the ground truth of flags named by region code: each is a Flag, and few are an American Flag."""
    annotations = {
        name: {"Flag": True, "American Flag": PurePosixPath(name).stem.upper() in AMERICAN} for name in names
    }
    return GroundTruth(("Flag", "American Flag"), annotations)


def _rows(data):
    """Yield (line number, cells) of every line that is not empty."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidGroundTruth(f"line {line} is not UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InvalidGroundTruth(f"line {reader.line_num}: {error}") from None


def _header(row):
    if row is None:
        raise InvalidGroundTruth("it is empty; the first line must name the columns, one of them `file`")
    line, names = row
    if "file" not in names:
        raise InvalidGroundTruth(f"line {line}: no column is called `file`")
    for name in names:
        if names.count(name) > 1 or not name:
            raise InvalidGroundTruth(
                f"line {line}: " + (f"two columns are called {name!r}" if name else "a column has no name")
            )
    return names


def _check_rows(rows, header):
    lines = {}
    for line, cells in rows:
        if len(cells) != len(header):
            raise InvalidGroundTruth(f"line {line} has {len(cells)} cells, the header {len(header)}")
        name = cells[header.index("file")]
        if not name:
            raise InvalidGroundTruth(f"line {line} names no file")
        if name in lines:
            raise InvalidGroundTruth(f"line {line} names {name!r} again, after line {lines[name]}")
        lines[name] = line
    if not rows:
        raise InvalidGroundTruth("it names no photo")


def _has_values(rows, place):
    return any(cells[place] in VALUES for _, cells in rows)


def _check_columns(columns, header):
    if not columns:
        raise InvalidGroundTruth("no column holds an answer (1 there, 0 not there, ? not judged)")
    for column in columns:
        if column == "file" or column not in header:
            raise InvalidGroundTruth(f"there is no column {column!r}")
    folded = [fold(label) for label in columns.values()]
    for label, key in zip(columns.values(), folded, strict=True):
        if folded.count(key) > 1:
            raise InvalidGroundTruth(f"two columns stand for the label {label!r}")


def _value(cell, column, line):
    if cell not in VALUES:
        raise InvalidGroundTruth(f"line {line}, column {column!r}: {cell!r} is none of 1, 0 and ?")
    return VALUES[cell]


def as_label(column):
    """Return `black_and_white` as people write a label; case does not matter when labels are compared."""
    return column.replace("_", " ").title()
