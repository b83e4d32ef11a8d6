from dataclasses import dataclass, field

from alarms.cloudwatch.constants import ACTION_FIELD_OF, SIDES
from alarms.cloudwatch.definitions import band_of, is_composite
from alarms.config.configuration import FIELDS

_METRIC = {"evaluation_periods": None, "datapoints": None, "missing": "missing", "low_samples": ""}
_COMPOSITE = {"rule": "", "suppressor": "", "suppressor_wait": None, "suppressor_extension": None}
_EXTRA = ("EvaluationWindow", "WarmUpConfiguration", "ActionConfiguration")


@dataclass
class Row:
    """What one alarm's rows shall hold."""

    values: dict
    metric: dict | None = None  # Namespace, MetricName, Dimensions, Unit
    stat: str = ""
    actions: list = field(default_factory=list)  # (state, ARN)


def row_of(definition):
    values = {
        "name": definition["AlarmName"],
        "description": definition.get("AlarmDescription", ""),
        "actions_enabled": definition.get("ActionsEnabled", True),
        "use_default_actions": False,
        "extra": {name: definition[name] for name in _EXTRA if definition.get(name)},
    }
    actions = [(state, arn) for state, name in ACTION_FIELD_OF.items() for arn in definition.get(name) or []]
    row = Row(values, actions=actions)
    if is_composite(definition):
        values.update(kind="composite", **_values(definition, _COMPOSITE))
        return row
    values.update(_values(definition, _METRIC))
    if band_of(definition):
        _band(row, definition)
        return row
    operator, queries = definition["ComparisonOperator"], definition.get("Metrics")
    values.update(operator=operator, threshold=float(definition["Threshold"]))
    if queries:
        values.update(kind="math", role="rate", queries=queries, period=_period(queries))
    else:
        role = "floor" if operator.startswith("LessThan") else "ceiling"
        values.update(kind="static", role=role, period=definition["Period"])
        row.metric, row.stat = definition, definition.get("Statistic") or definition["ExtendedStatistic"]
    return row


def _values(definition, blank):
    """Return the attributes that `blank` names from their fields, as there where a field is missing."""
    given = {name: definition.get(FIELDS[name]) for name in blank}
    return {name: blank[name] if value is None else value for name, value in given.items()}


def _band(row, definition):
    compared, k = band_of(definition)
    queries = definition["Metrics"]
    stat = next(query for query in queries if query["Id"] == compared).get("MetricStat")
    row.values.update(
        kind="band",
        role="band",
        k=k,
        side=SIDES[definition["ComparisonOperator"]],
        period=stat["Period"] if stat else _period(queries),
        # As they are: names, labels and further queries are the owner's.
        queries=queries,
    )
    if stat:
        row.metric, row.stat = {**stat["Metric"], "Unit": stat.get("Unit")}, stat["Stat"]


def _period(queries):
    periods = [(query.get("MetricStat") or {}).get("Period") or query.get("Period") for query in queries]
    return next((period for period in periods if period), 60)
