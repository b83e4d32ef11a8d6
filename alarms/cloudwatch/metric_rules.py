"""CloudWatch's rules for one metric: its names, dimensions, unit, statistic and period."""

import re
from collections.abc import Iterator
from typing import Any

Problems = Iterator[tuple[str, object, str]]  # (field, what was given, what is allowed)

_SIZES = [
    f"{size}{what}".capitalize()
    for size in ("", "Kilo", "Mega", "Giga", "Tera")
    for what in ("bytes", "bits")
]
UNITS = ("Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None", *_SIZES)
UNITS += tuple(f"{unit}/Second" for unit in _SIZES)
STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
STAT = re.compile(
    rf"(?:{'|'.join(STATISTICS)}|IQM"
    r"|(?:p|tc|tm|ts|wm)(?:\d{1,2}(?:\.\d{0,10})?|100)"
    r"|PR\([-+.\deE]*:[-+.\deE]*\)|(?:TM|TC|TS|WM)\([-+.\deE]*%?:[-+.\deE]*%?\))$"
)


def metric_problems(place: str, d: dict[str, Any]) -> Problems:
    namespace, name = d.get("Namespace") or "", d.get("MetricName") or ""
    if not 1 <= len(namespace) <= 255 or namespace.startswith(":"):
        yield f"{place}Namespace", namespace, "1 to 255 characters, and no colon first."
    if not 1 <= len(name) <= 255:
        yield f"{place}MetricName", name, "1 to 255 characters are needed."
    dimensions = d.get("Dimensions") or []
    if len(dimensions) > 30:
        yield f"{place}Dimensions", f"{len(dimensions)} dimensions", "at most 30 are allowed."
    for dimension in dimensions:
        key, given = str(dimension.get("Name", "")), str(dimension.get("Value", ""))
        if not 1 <= len(key) <= 255 or key.startswith(":") or not key.isascii():
            yield f"{place}Dimensions", key, "a name has 1 to 255 ASCII characters, and no colon first."
        if not 1 <= len(given) <= 1024 or not given.isascii():
            yield f"{place}Dimensions", given, "a value has 1 to 1024 ASCII characters."
    if d.get("Unit") and d["Unit"] not in UNITS:
        yield f"{place}Unit", d["Unit"], f"one of {', '.join(UNITS)}; best left out."


def stat_problems(place: str, d: dict[str, Any]) -> Problems:
    if not STAT.match(d.get("Stat") or ""):
        yield f"{place}Stat", d.get("Stat"), "such as Average, Sum, p99, TM(10%:90%)."


def period_problems(place: str, period: object) -> Problems:
    if period not in (10, 20, 30) and not (isinstance(period, int) and period >= 60 and period % 60 == 0):
        yield f"{place}Period", period, "10, 20, 30 or a multiple of 60 seconds are allowed."
