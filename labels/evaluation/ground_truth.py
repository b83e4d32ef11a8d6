"""Pure: what is on which photo, as people wrote it down or as a file's name says."""

import csv
import io
from dataclasses import dataclass
from pathlib import PurePosixPath

from labels.text.names import fold

VALUES = {"1": True, "0": False, "?": None}


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
    rows = _read(data)
    named = [name for name in rows[0][1] if name != "file"]
    if columns is None:
        columns = {name: as_label(name) for name in named if any(row[name] in VALUES for _, row in rows)}
    _check_columns(columns, named)
    annotations = {}
    for line, row in rows:
        for column in columns:
            if row[column] not in VALUES:
                where = f"line {line}, column {column!r}"
                raise InvalidGroundTruth(f"{where}: {row[column]!r} is none of 1, 0 and ?")
        annotations[row["file"]] = {label: VALUES[row[column]] for column, label in columns.items()}
    ignored = tuple(name for name in named if name not in columns)
    return GroundTruth(tuple(columns.values()), annotations, ignored)


def from_flag_names(names) -> GroundTruth:
    """Return the ground truth of flags named by region code: each is a Flag, and few are an American Flag."""
    # The one flag Rekognition has a name for; the Minor Outlying Islands fly the same.
    american = {name: PurePosixPath(name).stem.upper() in ("US", "UM") for name in names}
    annotations = {name: {"Flag": True, "American Flag": true} for name, true in american.items()}
    return GroundTruth(("Flag", "American Flag"), annotations)


def _read(data):
    """Return [(line number, {column: cell})] of the lines below the header that are not empty."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidGroundTruth(f"line {line} is not UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise InvalidGroundTruth(f"line {reader.line_num}: {error}") from None
    lines = [(line, cells) for line, cells in lines if any(cells)]
    if not lines:
        raise InvalidGroundTruth("it is empty; the first line must name the columns, one of them `file`")
    (line, header), *rows = lines
    _check_table(line, header, rows)
    return [(line, dict(zip(header, cells, strict=True))) for line, cells in rows]


def _check_table(line, header, rows):
    if "file" not in header:
        raise InvalidGroundTruth(f"line {line}: no column is called `file`")
    if "" in header:
        raise InvalidGroundTruth(f"line {line}: a column has no name")
    for name in header:
        if header.count(name) > 1:
            raise InvalidGroundTruth(f"line {line}: two columns are called {name!r}")
    if not rows:
        raise InvalidGroundTruth("it names no photo")
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


def _check_columns(columns, named):
    if not columns:
        raise InvalidGroundTruth("no column holds an answer (1 there, 0 not there, ? not judged)")
    for column in columns:
        if column not in named:
            raise InvalidGroundTruth(f"there is no column {column!r}")
    folded = [fold(label) for label in columns.values()]
    for label in columns.values():
        if folded.count(fold(label)) > 1:
            raise InvalidGroundTruth(f"two columns stand for the label {label!r}")


def as_label(column):
    """Return `black_and_white` as people write a label; case does not matter when labels are compared."""
    return column.replace("_", " ").title()
