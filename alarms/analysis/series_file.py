import csv
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from alarms.analysis.arrays import Floats
from alarms.cloudwatch.constants import HOUR, LARGEST_VALUE
from alarms.cloudwatch.times import aware


class BadSeries(Exception):
    pass


@dataclass(frozen=True)
class Series:
    texts: list[tuple[str, str]]  # timestamp and value as they stand in the file
    seconds: Floats  # since 1970, never falling
    values: Floats  # NaN = no value in that row
    held: list[int]  # numbers of the lines whose time was not later than that of the line before


def read_series(lines: Iterable[str], tz: str = "UTC") -> Series:
    """Return the Series of CSV with the columns timestamp and value; raise BadSeries.

    Timestamps are ISO 8601, of `tz` where they have no offset, or seconds since 1970.
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
            text = row[when]
            moment, value = _moment(text, zone, line), _value(row[what], line)
            if seconds and moment <= seconds[-1]:
                # An hour comes twice when clocks are set back; whoever wrote local time wrote it twice.
                if seconds[-1] - moment > HOUR:
                    raise BadSeries(f"line {line}: {text} is before the line ahead; sort the file by time")
                moment = seconds[-1]
                held.append(line)
            texts.append((text, row[what]))
            seconds.append(moment)
            values.append(value)
    except csv.Error as reason:
        raise BadSeries(f"line {reader.line_num}: {reason}") from None
    if not seconds:
        raise BadSeries("there is no row below the heading")
    return Series(texts, np.array(seconds), np.array(values), held)


def _columns(heading: list[str]) -> tuple[int, int]:
    names = [name.strip().lower().removeprefix("\ufeff") for name in heading]
    if missing := " and ".join(sorted({"timestamp", "value"} - set(names))):
        raise BadSeries(f"line 1: the heading must name timestamp and value; {missing} is missing")
    return names.index("timestamp"), names.index("value")


def _moment(text: str, zone: ZoneInfo, line: int) -> float:
    with suppress(ValueError):
        return aware(text.strip(), zone).timestamp()
    with suppress(ValueError):
        if math.isfinite(seconds := float(text)):
            return seconds
    raise BadSeries(f"line {line}: {text!r} is no timestamp; write 2026-01-31 13:45:00 or seconds since 1970")


def _value(text: str, line: int) -> float:
    try:
        value = float(text) if text.strip() else math.nan
    except ValueError:
        raise BadSeries(f"line {line}: {text!r} is no number") from None
    if text.strip() and not abs(value) <= LARGEST_VALUE:
        raise BadSeries(f"line {line}: a value must be a number up to 2^360 either side, not {text.strip()}")
    return value
