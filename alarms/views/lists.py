"""All alarms: state, guard roles present or missing, drift, last change."""

from urllib.parse import urlencode

from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from alarms.apply.prepare import plan_for
from alarms.backends import BackendError
from alarms.models import Alarm, AlarmSet
from alarms.views.access import needs
from alarms.views.display import condition, state_of

PAGE = 50
GUARD_ROLES = (Alarm.Role.FLOOR, Alarm.Role.CEILING, Alarm.Role.BAND)


@require_safe
@needs("view_alarm")
def alarm_list(request):
    """List alarms by name, those of one set or all; `after` goes on where a page ended."""
    sets = [_summary(found) for found in AlarmSet.objects.all()]
    chosen = next((row for row in sets if row["name"] == request.GET.get("set")), None)
    alarms = Alarm.objects.select_related("alarm_set", "metric", "guard").prefetch_related("guard__alarms")
    if chosen:
        alarms = alarms.filter(alarm_set=chosen["set"])
    if after := request.GET.get("after"):
        alarms = alarms.filter(name__gt=after)
    shown = list(alarms.order_by("name", "pk")[: PAGE + 1])
    return render(
        request,
        "alarms/list.html",
        {
            "nav": "alarms",
            "sets": sets,
            "chosen": chosen,
            "rows": [_row(alarm, sets) for alarm in shown[:PAGE]],
            "next_url": _next(request, shown) if len(shown) > PAGE else "",
        },
    )


def _summary(alarm_set):
    """Return a set with its plan, or with the reason why there is none."""
    row = {"set": alarm_set, "name": alarm_set.name, "url": reverse("alarm_plan", args=[alarm_set.name])}
    try:
        planned = plan_for(alarm_set)
    except BackendError as error:
        return {**row, "trouble": str(error), "existing": {}, "drift": {}, "problems": {}}
    changes = planned.plan.changes if planned.plan else ()
    return {
        **row,
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
        "url": alarm.get_absolute_url(),
        "condition": condition(alarm),
        "since": existing.state_at if existing else None,
        "drift": found["drift"].get(alarm.name),
        "problem": found["problems"].get(alarm.name),
        "roles": _roles(alarm.guard) if alarm.guard else [],
    }


def _roles(guard):
    """Return (name, whether the guard has it and it is on) of floor, ceiling and band."""
    present = {alarm.role for alarm in guard.alarms.all() if alarm.enabled}
    return [(role.label, role in present) for role in GUARD_ROLES]


def _next(request, shown):
    query = {name: value for name, value in request.GET.items() if name != "after"}
    return f"?{urlencode({**query, 'after': shown[PAGE - 1].name})}"
