"""CloudWatch's rules for the queries of an alarm on metric math."""

import json
import re

from alarms.cloudwatch.constants import SIDES
from alarms.cloudwatch.definitions import BAND, Definition
from alarms.cloudwatch.metric_rules import ALLOWED_STATS, STAT, Problems, metric_problems, period_problem

MOST_METRICS, MOST_BYTES, MOST_CHARACTERS = 10, 120 * 1024, 2048
_ID = re.compile(r"^[a-z][A-Za-z0-9_]*$")


def query_problems(d: Definition) -> Problems:
    queries = d.get("Metrics")
    if not queries:
        return
    size = len(json.dumps(queries, default=str).encode())
    if size > MOST_BYTES:
        yield "Metrics", f"{size} bytes", f"at most {MOST_BYTES} are allowed."
    ids = [query.get("Id") or "" for query in queries]
    for repeated in sorted({i for i in ids if ids.count(i) > 1}):
        yield "Metrics.Id", repeated, "every Id may stand only once."
    metrics = sum(1 for query in queries if query.get("MetricStat"))
    if metrics > MOST_METRICS:
        yield "Metrics", f"{metrics} metrics", f"at most {MOST_METRICS} in one alarm."
    for query in queries:
        yield from _query(query)
    yield from _returned(d, queries)


def _query(query: Definition) -> Problems:
    name, stat, expression = query.get("Id") or "", query.get("MetricStat"), query.get("Expression")
    if not _ID.match(name) or len(name) > 255:
        yield "Metrics.Id", name, "a lower-case letter first, then letters, digits and _."
    if bool(stat) == bool(expression):
        yield "Metrics", name, "give exactly one of MetricStat and Expression."
    if expression and len(expression) > MOST_CHARACTERS:
        yield "Metrics.Expression", f"{len(expression)} characters", f"at most {MOST_CHARACTERS} are allowed."
    if query.get("Period") is not None and (allowed := period_problem(query["Period"])):
        yield "Metrics.Period", query["Period"], allowed
    if stat:
        yield from metric_problems("Metrics.", {**stat.get("Metric", {}), "Unit": stat.get("Unit")})
        if allowed := period_problem(stat.get("Period")):
            yield "Metrics.Period", stat.get("Period"), allowed
        if not STAT.match(stat.get("Stat") or ""):
            yield "Metrics.Stat", stat.get("Stat"), ALLOWED_STATS


def _returned(d: Definition, queries: list[Definition]) -> Problems:
    """Metric math returns one series; a band alarm the one it compares, and the band or not."""
    matches = {q.get("Id"): BAND.match(q.get("Expression") or "") for q in queries}
    bands = {name: match[1] for name, match in matches.items() if match}
    returned = [q.get("Id") or "" for q in queries if q.get("ReturnData", True) and q.get("Id") not in bands]
    if d.get("ComparisonOperator") in SIDES:
        compared = set(bands.values())
        # A band of a query that is not there is reported elsewhere.
        if compared <= matches.keys() and bands and set(returned) != compared:
            yield "Metrics.ReturnData", ", ".join(returned) or None, "true for the watched metric only."
    elif len(returned) != 1:
        yield "Metrics.ReturnData", ", ".join(returned) or None, "true for exactly one query."
