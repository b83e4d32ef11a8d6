"""The plan of a set: every change, what it costs, and the button that applies exactly this plan."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render

from alarms import tasks
from alarms.apply.prepare import plan_for
from alarms.backends import BackendError
from alarms.cloudwatch.plan_text import SIGNS, shown, summary
from alarms.models import AlarmSet
from alarms.views.access import needs
from photomgr.accounts import audit

# Beyond it a page would be too long to read; the command shows all.
MOST = 500


@needs("view_alarm")
def alarm_plan(request, set_name):
    """Show what applying would change; `?prune=1` also deletes what no configuration names."""
    alarm_set = get_object_or_404(AlarmSet, name=set_name)
    prune = request.GET.get("prune") == "1"
    context = {"nav": "alarms", "set": alarm_set, "prune": prune}
    try:
        planned = plan_for(alarm_set, prune)
    except BackendError as error:
        return render(request, "alarms/plan.html", {**context, "trouble": str(error)})
    if planned.problems:
        return render(request, "alarms/plan.html", {**context, "problems": planned.problems})
    document = planned.as_json()
    changes = [_change(change) for change in document["changes"][:MOST]]
    more = max(0, len(document["changes"]) - MOST)
    context |= {"plan": document, "changes": changes, "more": more, "summary": summary(document)}
    return render(request, "alarms/plan.html", context)


@needs("apply_alarmset")
def alarm_apply(request, set_name):
    """Have a worker apply the plan that was shown; another plan than that is refused there."""
    alarm_set = get_object_or_404(AlarmSet, name=set_name)
    fingerprint, prune = request.POST.get("fingerprint", ""), request.POST.get("prune") == "1"
    run = tasks.request_run(alarm_set, request.user, fingerprint, prune)
    audit.record(request, "had a plan of alarms applied", alarm_set.name)
    messages.success(request, f"The plan of {alarm_set.name} is being applied.")
    return redirect("alarm_run", run.pk)


def _change(change):
    """Return a change with its lines: (sign, field, value)."""
    sign = SIGNS.get(change["verb"], "~")
    if change["fields"]:
        values = [(s, field, v) for field, *both in change["fields"] for s, v in zip("-+", both, strict=True)]
    else:
        values = [(sign, field, value) for field, value in (change["after"] or change["before"]).items()]
    lines = [(s, field, shown(value)) for s, field, value in values if value is not None]
    return {**change, "sign": sign, "lines": lines}
