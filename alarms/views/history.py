from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from alarms.apply.history import events
from alarms.cloudwatch.times import aware
from alarms.models import Run
from alarms.views.access import needs
from alarms.views.display import TONES

PAGE = 50


@needs("view_alarm")
def alarm_history(request):
    """Changes of state and of configuration, newest first; `before` goes on where a page ended."""
    try:
        before = aware(request.GET.get("before", ""), timezone.get_current_timezone())
    except ValueError:
        before = None
    found = events(before=before, limit=PAGE + 1)
    last = found[PAGE - 1]["at"].isoformat() if len(found) > PAGE else ""
    context = {"nav": "alarms", "events": found[:PAGE], "last": last}
    return render(request, "alarms/history.html", context)


@needs("view_alarm")
def alarm_run(request, run):
    row = get_object_or_404(Run, pk=run)
    changes = [{"change": change, "tone": TONES[change.outcome]} for change in row.changes.all()[:1000]]
    context = {"nav": "alarms", "run": row, "tone": TONES[row.outcome], "changes": changes}
    return render(request, "alarms/run.html", context)
