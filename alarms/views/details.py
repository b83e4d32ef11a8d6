from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from alarms.apply.history import events
from alarms.apply.mutes import mute, unmute
from alarms.apply.prepare import plan_for
from alarms.backends import BackendError
from alarms.cloudwatch.mute_schedules import BadSchedule, in_force
from alarms.cloudwatch.plan_text import shown
from alarms.config.configuration import definition_of
from alarms.models import Alarm, Mute
from alarms.views.access import needs
from alarms.views.display import condition, state_of
from photomgr.accounts import audit


@needs("view_alarm")
def alarm_detail(request, pk):
    alarm = get_object_or_404(Alarm.objects.for_definitions(), pk=pk)
    existing, change, trouble = _compare(alarm)
    now = timezone.now()
    context = {
        "nav": "alarms",
        "alarm": alarm,
        "condition": condition(alarm),
        **state_of(alarm, existing),
        "existing": existing,
        "drift": [(name, shown(old), shown(new)) for name, old, new in change.fields] if change else [],
        "change": change,
        "trouble": trouble,
        "fields": [(name, shown(value)) for name, value in definition_of(alarm).items()],
        "companions": alarm.guard and alarm.guard.alarms.exclude(pk=pk),
        "mutes": [{"mute": row, "active": in_force(row, now)} for row in alarm.mutes.all()],
        "events": events(name=alarm.name, limit=20),
    }
    return render(request, "alarms/detail.html", context)


@needs("add_mute")
def alarm_mute(request, pk):
    alarm = get_object_or_404(Alarm.objects.select_related("alarm_set"), pk=pk)
    length, reason = request.POST.get("for", ""), request.POST.get("reason", "")[:200]
    try:
        mute([alarm], length, request.user.get_username(), request.user, reason)
        audit.record(request, "muted an alarm", f"{alarm.name} for {length}")
        messages.success(request, f"{alarm.name} notifies nobody for {length}.")
    except (BadSchedule, BackendError) as error:
        messages.error(request, f"Not muted: {error}")
    return redirect(alarm)


@needs("delete_mute")
def alarm_unmute(request, pk):
    """End every mute of the alarm that is its alone; those of several alarms end in the admin."""
    alarm = get_object_or_404(Alarm, pk=pk)
    rows = Mute.objects.filter(alarms=alarm).select_related("alarm_set")
    alone = [row for row in rows if row.alarms.count() == 1]
    try:
        for row in alone:
            unmute(row, request.user.get_username(), request.user)
        audit.record(request, "ended mutes of an alarm", alarm.name, count=len(alone))
        messages.success(request, f"{len(alone)} mute{'s' if len(alone) != 1 else ''} ended.")
    except BackendError as error:
        messages.error(request, f"Still muted: {error}")
    return redirect(alarm)


@needs("change_alarm")
def alarm_switch(request, pk):
    alarm = get_object_or_404(Alarm, pk=pk)
    alarm.enabled = not alarm.enabled
    alarm.save(update_fields=["enabled", "changed_at"])
    word = "on" if alarm.enabled else "off"
    audit.record(request, f"switched an alarm {word}", alarm.name)
    messages.success(request, f"{alarm.name} is switched {word} here. Apply the plan to make it so.")
    return redirect(alarm)


def _compare(alarm):
    """Return (what exists, the change the plan has for it, why nothing can be said)."""
    try:
        planned = plan_for(alarm.alarm_set)
    except BackendError as error:
        return None, None, str(error)
    if planned.problems:
        return None, None, "; ".join(f"{p.alarm}: {p}" for p in planned.problems[:5])
    change = next((change for change in planned.plan.changes if change.name == alarm.name), None)
    return planned.existing.alarms.get(alarm.name), change, ""
