"""All alarms: state, guard roles present or missing, drift, last change."""

from django.shortcuts import render

from alarms.apply.prepare import plan_for
from alarms.backends import BackendError
from alarms.models import Alarm, AlarmSet
from alarms.views.access import needs
from alarms.views.display import condition, state_of

PAGE = 50


@needs("view_alarm")
def alarm_list(request):
    """List alarms by name, those of one set or all; `after` goes on where a page ended."""
    sets = [_summary(found) for found in AlarmSet.objects.all()]
    chosen = next((row for row in sets if row["set"].name == request.GET.get("set")), None)
    alarms = Alarm.objects.select_related("alarm_set", "metric", "guard").prefetch_related("guard__alarms")
    if chosen:
        alarms = alarms.filter(alarm_set=chosen["set"])
    if after := request.GET.get("after"):
        alarms = alarms.filter(name__gt=after)
    shown = list(alarms.order_by("name", "pk")[: PAGE + 1])
    rows = [_row(alarm, sets) for alarm in shown[:PAGE]]
    last = shown[PAGE - 1].name if len(shown) > PAGE else ""
    context = {"nav": "alarms", "sets": sets, "chosen": chosen, "rows": rows, "last": last}
    return render(request, "alarms/list.html", context)


def _summary(alarm_set):
    try:
        planned = plan_for(alarm_set)
    except BackendError as error:
        return {"set": alarm_set, "trouble": str(error), "existing": {}, "drift": {}, "problems": {}}
    changes = planned.plan.changes if planned.plan else ()
    return {
        "set": alarm_set,
        "existing": planned.existing.alarms if planned.existing else {},
        "drift": {change.name: change.verb for change in changes},
        "problems": {problem.alarm: str(problem) for problem in planned.problems},
        "changes": len(changes),
        "cost": planned.plan.cost_after if planned.plan else None,
    }


def _row(alarm, sets):
    found = next(row for row in sets if row["set"].pk == alarm.alarm_set_id)
    existing = found["existing"].get(alarm.name)
    return {
        **state_of(alarm, existing),
        "alarm": alarm,
        "condition": condition(alarm),
        "since": existing.state_at if existing else None,
        "drift": found["drift"].get(alarm.name),
        "problem": found["problems"].get(alarm.name),
        "roles": _roles(alarm.guard) if alarm.guard else [],
    }


def _roles(guard):
    """Return (name, whether the guard has it and it is on) of floor, ceiling and band."""
    present = {alarm.role for alarm in guard.alarms.all() if alarm.enabled}
    return [(role.label, role in present) for role in (Alarm.Role.FLOOR, Alarm.Role.CEILING, Alarm.Role.BAND)]
