"""The plan of a set: every change, what it costs, and the button that applies exactly this plan."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from alarms import tasks
from alarms.apply.prepare import plan_for
from alarms.backends import BackendError
from alarms.cloudwatch.plan_text import SIGNS, shown, summary
from alarms.models import AlarmSet
from alarms.views.access import needs

# Beyond it a page would be too long to read; the command shows all.
MOST = 500


@require_safe
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
    document = planned.as_json()
    if planned.plan:
        context |= {
            "changes": [_change(change) for change in document["changes"][:MOST]],
            "more": max(0, len(document["changes"]) - MOST),
            "summary": summary(document),
            "fingerprint": document["fingerprint"],
            "unmanaged": document["unmanaged"],
            "notes": document["notes"],
            "may_apply": request.user.has_perm("alarms.apply_alarmset"),
        }
    return render(request, "alarms/plan.html", {**context, "problems": planned.problems})


@require_POST
@needs("apply_alarmset")
def alarm_apply(request, set_name):
    """Have a worker apply the plan that was shown; another plan than that is refused there."""
    alarm_set = get_object_or_404(AlarmSet, name=set_name)
    fingerprint, prune = request.POST.get("fingerprint", ""), request.POST.get("prune") == "1"
    run = tasks.request_run(alarm_set, request.user, fingerprint, prune)
    messages.success(request, f"The plan of {alarm_set.name} is being applied.")
    return redirect("alarm_run", run.pk)


def _change(change):
    """Return a change with its lines: (sign, field, value)."""
    if change["fields"]:
        lines = [
            line
            for field, old, new in change["fields"]
            for line in (("-", field, shown(old)), ("+", field, shown(new)))
            if line[2] != shown(None)
        ]
    else:
        sign = SIGNS[change["verb"]]
        content = change["after"] or change["before"]
        lines = [(sign, field, shown(value)) for field, value in content.items()]
    return {**change, "sign": SIGNS.get(change["verb"], "~"), "lines": lines}
