import csv
from zoneinfo import ZoneInfo

import numpy as np
from django.core.management.base import CommandError

from alarms.analysis.scoring import QUIET, score
from alarms.analysis.series_file import read_series
from alarms.cloudwatch.constants import DEFAULT_K
from alarms.management.base import read_lines
from photomgr.json_command import StrictCommand

COLUMNS = ["timestamp", "value", "expected", "lower", "upper", "breaching", "notified"]


class Command(StrictCommand):
    help = "Print the band at each row of a CSV, whether the row is outside, and whether it would notify."

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", help="CSV with the columns timestamp,value; - is stdin")
        parser.add_argument("--k", type=float, default=DEFAULT_K, help="width of the band (%(default)s)")
        parser.add_argument("--m", type=int, help="datapoints that must be outside (default by period)")
        parser.add_argument("--n", type=int, help="among so many of the last (default by period)")
        parser.add_argument("--quiet", type=float, default=QUIET, help="seconds of quiet before an alarm")
        parser.add_argument("--period", type=float, help="seconds between datapoints (default: the first 20)")
        parser.add_argument("--timezone", default="UTC", help="of the seasons, and of timestamps without one")
        parser.add_argument("--natural-min", type=float, help="no value can be below this")
        parser.add_argument("--natural-max", type=float, help="no value can be above this")

    def handle(self, file, k, m, n, quiet, timezone, **options):
        _check(k, m, n, quiet, timezone)
        series = read_lines(file, lambda lines: read_series(lines, timezone))
        if held := series.held:
            some = ", ".join(map(str, held[:5])) + (" …" if len(held) > 5 else "")
            why = f"{len(held)} lines are not later than the line ahead ({some})"
            self.stderr.write(f"{file}: {why}; each counts as of the moment before it.")
        limits = {name: options[name] for name in ("period", "natural_min", "natural_max")}
        try:
            found = score(series.seconds, series.values, k, m, n, quiet, tz=timezone, **limits)
        except ValueError as reason:
            raise CommandError(f"{file}: {reason}") from None
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_rows(series, found, k))


def _check(k, m, n, quiet, timezone):
    if not 0 < k < float("inf"):
        raise CommandError(f"--k must be above 0, not {k:g}.")
    for name, number in (("--m", m), ("--n", n)):
        if number is not None and number < 1:
            raise CommandError(f"{name} must be at least 1, not {number}.")
    if m and n and m > n:
        raise CommandError(f"--m {m} of --n {n} can never happen.")
    if not 0 <= quiet < float("inf"):
        raise CommandError(f"--quiet must be 0 seconds or more, not {quiet:g}.")
    try:
        ZoneInfo(timezone)
    except (KeyError, OSError, ValueError):
        hint = "write one like Europe/Berlin."
        raise CommandError(f"--timezone: there is no zone {timezone!r}; {hint}") from None


def _rows(series, found, k):
    edges = (found.band.expected, found.band.lower(k), found.band.upper(k))
    flags = (found.breaching.astype(int), found.notified.astype(int))
    for texts, *numbers, breaching, notified in zip(series.texts, *edges, *flags, strict=True):
        # Ten digits: enough for every chart, and no row differs by the last bit of a float.
        shown = ("" if np.isnan(number) else f"{number:.10g}" for number in numbers)
        yield [*texts, *shown, breaching, notified]
