"""Read a metric from a CSV file with the columns timestamp and value."""

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from alarms.analysis.arrays import Floats
from alarms.cloudwatch.constants import HOUR, LARGEST_VALUE
from alarms.cloudwatch.times import aware

# An hour comes twice when clocks are set back; whoever wrote local time wrote it twice.
_SET_BACK = HOUR


class BadSeries(Exception):
    """The file is no series; the text names the line and what is wrong with it."""


@dataclass(frozen=True)
class Series:
    """The rows of the file in its order; `texts` are the timestamp and the value as they stood there."""

    texts: list[tuple[str, str]]
    seconds: Floats  # since 1970, never falling
    values: Floats  # NaN = no value in that row
    held: list[int]  # numbers of the lines whose time was not later than that of the line before


def read_series(lines: Iterable[str], tz: str = "UTC") -> Series:
    """Return the Series in these lines; a timestamp without an offset is a time of `tz`.

    Timestamps are ISO 8601 or seconds since 1970. A row up to an hour behind the one before it counts
    as of the same moment, as when clocks are set back. Raises BadSeries.
    """
    reader = csv.reader(lines, strict=True)
    zone = ZoneInfo(tz)
    texts: list[tuple[str, str]] = []
    seconds: list[float] = []
    values: list[float] = []
    held: list[int] = []
    try:
        when, what = _columns(next(reader, []))
        for row in reader:
            if not row:
                continue
            line = reader.line_num
            if len(row) <= max(when, what):
                raise BadSeries(f"line {line}: there are {len(row)} columns; timestamp and value are needed")
            moment, value = _moment(row[when], zone, line), _value(row[what], line)
            if seconds and moment <= seconds[-1]:
                if seconds[-1] - moment > _SET_BACK:
                    raise BadSeries(
                        f"line {line}: {row[when]} is before the line ahead; sort the file by time"
                    )
                moment = seconds[-1]
                held.append(line)
            texts.append((row[when], row[what]))
            seconds.append(moment)
            values.append(value)
    except csv.Error as reason:
        raise BadSeries(f"line {reader.line_num}: {reason}") from None
    if not seconds:
        raise BadSeries("there is no row below the heading")
    return Series(texts, np.array(seconds), np.array(values), held)


def _columns(heading: list[str]) -> tuple[int, int]:
    names = [name.strip().lower().removeprefix("\ufeff") for name in heading]
    if missing := {"timestamp", "value"} - set(names):
        raise BadSeries(
            f"line 1: the heading must name timestamp and value; {' and '.join(sorted(missing))} is missing"
        )
    return names.index("timestamp"), names.index("value")


def _moment(text: str, zone: ZoneInfo, line: int) -> float:
    """Return the seconds since 1970 of ISO 8601 or of a number."""
    try:
        return aware(text.strip(), zone).timestamp()
    except ValueError:
        return _seconds(text, line)


def _seconds(text: str, line: int) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise BadSeries(
            f"line {line}: {text!r} is no timestamp; write 2026-01-31 13:45:00 or seconds since 1970"
        )
    return seconds


def _value(text: str, line: int) -> float:
    """Return the number; NaN for an empty field, which is a missing datapoint."""
    if not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise BadSeries(f"line {line}: {text!r} is no number") from None
    if not abs(value) <= LARGEST_VALUE:
        raise BadSeries(f"line {line}: a value must be a number up to 2^360 either side, not {text.strip()}")
    return value
