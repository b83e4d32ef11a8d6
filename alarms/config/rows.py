from alarms.cloudwatch.constants import SIDES
from alarms.cloudwatch.definitions import band_of, is_composite, periods_of
from alarms.config.configuration import FIELDS

_METRIC = {"evaluation_periods": None, "datapoints": None, "missing": "missing", "low_samples": ""}
_COMPOSITE = {"rule": "", "suppressor": "", "suppressor_wait": None, "suppressor_extension": None}
_EXTRA = ("EvaluationWindow", "WarmUpConfiguration", "ActionConfiguration")


def row_of(definition):
    """Return (values of the alarm's row, its metric in CloudWatch's shape or None, its statistic)."""
    values = {
        "name": definition["AlarmName"],
        "description": definition.get("AlarmDescription", ""),
        "actions_enabled": definition.get("ActionsEnabled", True),
        "use_default_actions": False,
        "extra": {name: definition[name] for name in _EXTRA if definition.get(name)},
    }
    if is_composite(definition):
        return {**values, "kind": "composite", **_values(definition, _COMPOSITE)}, None, ""
    values |= _values(definition, _METRIC)
    period = next(iter(periods_of(definition)), 60)
    if band := band_of(definition):
        return _band(values | {"period": period}, definition, *band)
    operator, queries = definition["ComparisonOperator"], definition.get("Metrics")
    values |= {"operator": operator, "threshold": float(definition["Threshold"]), "period": period}
    if queries:
        return {**values, "kind": "math", "role": "rate", "queries": queries}, None, ""
    role = "floor" if operator.startswith("LessThan") else "ceiling"
    stat = definition.get("Statistic") or definition["ExtendedStatistic"]
    return {**values, "kind": "static", "role": role}, definition, stat


def _values(definition, blank):
    """Return the attributes that `blank` names from their fields, as there where a field is missing."""
    given = {name: definition.get(FIELDS[name]) for name in blank}
    return {name: blank[name] if value is None else value for name, value in given.items()}


def _band(values, definition, compared, k):
    # Queries as they are: names, labels and further ones are the owner's.
    queries, side = definition["Metrics"], SIDES[definition["ComparisonOperator"]]
    values |= {"kind": "band", "role": "band", "k": k, "side": side, "queries": queries}
    stat = next(query for query in queries if query["Id"] == compared).get("MetricStat")
    if not stat:
        return values, None, ""
    return {**values, "period": stat["Period"]}, {**stat["Metric"], "Unit": stat.get("Unit")}, stat["Stat"]
