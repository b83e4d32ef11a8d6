from dataclasses import dataclass

from django.db import transaction

from alarms.cloudwatch.constants import DEFAULT_K
from alarms.models import Alarm, Guard


@dataclass(frozen=True)
class Bound:
    """A floor or a ceiling: beyond `threshold` in m of n periods. `off` says why there is none."""

    threshold: float | None = None
    reason: str = ""
    rule: str = ""  # `thresholds`: computed from the past; the threshold serves until then
    m: int = 1
    n: int = 1
    missing: str = "missing"
    off: bool = False


@dataclass(frozen=True)
class Band:
    """Outside k standard deviations of the expected value in m of n periods."""

    k: float = DEFAULT_K
    side: str = "both"
    m: int = 3
    n: int = 5
    reason: str = "The pattern of the day and of the week changed."
    off: bool = False


@transaction.atomic
def create_guard(alarm_set, metric, name, floor, ceiling, band, period=60):
    """Create the guard and its three alarms, each with its reason; return the Guard.

    One that is there keeps its alarms as they are and gets those it lacks: people's changes stay.
    """
    guard, _ = Guard.objects.get_or_create(alarm_set=alarm_set, name=name, defaults={"metric": metric})
    values = {"alarm_set": alarm_set, "metric": guard.metric, "period": period}
    for role, given, fields in (
        (Alarm.Role.FLOOR, floor, _bound(floor, Alarm.Operator.LT)),
        (Alarm.Role.CEILING, ceiling, _bound(ceiling, Alarm.Operator.GT)),
        (Alarm.Role.BAND, band, {"kind": Alarm.Kind.BAND, "k": band.k, "side": band.side}),
    ):
        fields |= {"datapoints": given.m, "evaluation_periods": given.n, "reason": given.reason}
        fields |= {"enabled": not given.off, "name": f"{alarm_set.prefix}{name}-{role.value}"}
        Alarm.objects.get_or_create(guard=guard, role=role, defaults=values | fields)
    return guard


def _bound(bound, operator):
    return {
        "kind": Alarm.Kind.STATIC,
        "operator": operator,
        "threshold": bound.threshold,
        "threshold_rule": bound.rule,
        "missing": bound.missing,
    }
