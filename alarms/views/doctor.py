from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from alarms.backends import BackendError
from alarms.cloudwatch.times import aware
from alarms.doctor import fixes
from alarms.models import Alarm, Finding
from alarms.views.access import needs
from alarms.views.display import TONES
from photomgr.accounts import audit
from photomgr.staff import may, require, staff_needs


@needs("view_alarm")
def doctor_page(request):
    page = Paginator(Finding.objects.for_list(), 50).get_page(request.GET.get("page"))
    rows = [
        {
            "finding": finding,
            "tone": TONES[finding.severity],
            "may_fix": all(may(request.user, name) for name in fixes.permissions(finding)),
        }
        for finding in page
    ]
    return render(request, "alarms/doctor.html", {"nav": "alarms", "page": page, "rows": rows})


@require_POST
@staff_needs("alarms.view_alarm")
def finding_fix(request, finding):
    finding = get_object_or_404(
        Finding.objects.select_related("alarm__alarm_set", "alarm__metric", "detector"), pk=finding
    )
    require(request.user, *fixes.permissions(finding))
    try:
        done = fixes.carry_out(finding)
    except fixes.CannotFix as why:
        messages.error(request, str(why))
        return redirect("alarm_doctor")
    audit.record(request, "fixed a finding of the doctor", f"{finding.alarm or finding.detector}: {done}")
    messages.success(request, f"Done here: {done}. Apply the plan to make it so.")
    return _examined(request, finding.alarm)


@needs("change_alarm")
def alarm_examine(request, pk):
    alarm = get_object_or_404(Alarm.objects.judged_by_data(), pk=pk)
    messages.success(request, f"{alarm.name} was examined.")
    return _examined(request, alarm)


@needs("change_detector", "add_excludedrange")
def alarm_exclude(request, pk):
    alarm = get_object_or_404(Alarm.objects.select_related("alarm_set", "metric"), pk=pk)
    try:
        start, end = (_time(request.POST.get(name, "")) for name in ("start", "end"))
        if start >= end:
            raise fixes.CannotFix("The time to exclude ends before it begins.")
        fixes.exclude(alarm, start, end, request.POST.get("reason", ""))
    except fixes.CannotFix as why:
        messages.error(request, str(why))
    else:
        audit.record(request, "excluded a time from training", f"{alarm.name}: {start} to {end}")
        learns = f"{alarm.name} learns nothing from it any more."
        messages.success(request, f"{learns} Apply the plan to make it so.")
    return redirect("alarm_chart", pk=pk)


def _time(text):
    try:
        return aware(text)
    except ValueError:
        raise fixes.CannotFix(f"{text!r} is not a time like 2026-11-20T10:00.") from None


def _examined(request, alarm):
    """Examine the alarm, if it can be, and show what is left."""
    # Every manage.py command imports the pages; numpy is for the doctor alone.
    from alarms.doctor.reports import RegionSnapshot
    from alarms.doctor.runner import examine_alarm

    alarm = alarm and Alarm.objects.judged_by_data().filter(pk=alarm.pk).first()
    if alarm:
        try:
            examine_alarm(alarm, RegionSnapshot(alarm.alarm_set.region, [alarm]), timezone.now())
        except BackendError as why:
            messages.error(request, f"It could not be examined: {why}")
    return redirect("alarm_doctor")
