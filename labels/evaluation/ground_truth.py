"""Pure: what is on which photo, as people wrote it down or as a file's name says."""

import csv
import io
from dataclasses import dataclass
from pathlib import PurePosixPath

from labels.text.names import fold

ANSWERS = {"1": True, "0": False, "?": None}
# The one flag Rekognition has a name for; the Minor Outlying Islands fly the same.
AMERICAN = ("US", "UM")


class BadTruth(Exception):
    """The table cannot be read; says where and why."""


@dataclass(frozen=True)
class Truth:
    """`answers[file][label]` is True, False, or None where nobody judged; `ignored` columns hold none."""

    labels: tuple[str, ...]
    answers: dict[str, dict[str, bool | None]]
    ignored: tuple[str, ...] = ()


def from_csv(data: bytes, columns: dict[str, str] | None = None) -> Truth:
    """Return the truth of a CSV file with the column `file` and one a label: 1 there, 0 not, ? not judged.

    `columns` maps the columns to use to their labels. Without it every column with an answer in it is a
    label of its own name; those without any (a source, a size) are ignored. Raise BadTruth.
    """
    rows = _rows(data)
    header = _header(next(rows, None))
    kept = list(rows)
    _check_rows(kept, header)
    if columns is None:
        named = [name for name in header if name != "file"]
        columns = {name: as_label(name) for name in named if _has_answers(kept, header.index(name))}
    _check_columns(columns, header)
    place = header.index("file")
    answers = {
        cells[place]: {
            label: _answer(cells[header.index(column)], column, line) for column, label in columns.items()
        }
        for line, cells in kept
    }
    ignored = tuple(name for name in header if name != "file" and name not in columns)
    return Truth(tuple(columns.values()), answers, ignored)


def from_flag_names(names) -> Truth:
    """Return the truth of flags named by region code: each is a Flag, and few are an American Flag."""
    answers = {
        name: {"Flag": True, "American Flag": PurePosixPath(name).stem.upper() in AMERICAN} for name in names
    }
    return Truth(("Flag", "American Flag"), answers)


def _rows(data):
    """Yield (line number, cells) of every line that is not empty."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadTruth(f"line {line} is not UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise BadTruth(f"line {reader.line_num}: {error}") from None


def _header(row):
    if row is None:
        raise BadTruth("it is empty; the first line must name the columns, one of them `file`")
    line, names = row
    if "file" not in names:
        raise BadTruth(f"line {line}: no column is called `file`")
    for name in names:
        if names.count(name) > 1 or not name:
            raise BadTruth(
                f"line {line}: " + (f"two columns are called {name!r}" if name else "a column has no name")
            )
    return names


def _check_rows(rows, header):
    lines = {}
    for line, cells in rows:
        if len(cells) != len(header):
            raise BadTruth(f"line {line} has {len(cells)} cells, the header {len(header)}")
        name = cells[header.index("file")]
        if not name:
            raise BadTruth(f"line {line} names no file")
        if name in lines:
            raise BadTruth(f"line {line} names {name!r} again, after line {lines[name]}")
        lines[name] = line
    if not rows:
        raise BadTruth("it names no photo")


def _has_answers(rows, place):
    return any(cells[place] in ANSWERS for _, cells in rows)


def _check_columns(columns, header):
    if not columns:
        raise BadTruth("no column holds an answer (1 there, 0 not there, ? not judged)")
    for column in columns:
        if column == "file" or column not in header:
            raise BadTruth(f"there is no column {column!r}")
    folded = [fold(label) for label in columns.values()]
    for label, key in zip(columns.values(), folded, strict=True):
        if folded.count(key) > 1:
            raise BadTruth(f"two columns stand for the label {label!r}")


def _answer(cell, column, line):
    if cell not in ANSWERS:
        raise BadTruth(f"line {line}, column {column!r}: {cell!r} is none of 1, 0 and ?")
    return ANSWERS[cell]


def as_label(column):
    """Return `black_and_white` as people write a label; case does not matter when labels are compared."""
    return column.replace("_", " ").title()
