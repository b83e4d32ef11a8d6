"""An alarm's chart, and what another width or another M of N would have done: each "what if" is a link."""

from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from alarms.backends import BackendError
from alarms.config.configuration import definition_of
from alarms.models import Alarm
from alarms.views.access import needs
from alarms.views.chart_form import ChartForm


@require_safe
@needs("view_alarm")
def alarm_chart(request, pk):
    # Every manage.py command imports the pages; numpy is for this one alone.
    from alarms.analysis.alarm_spec import spec_of
    from alarms.views.chart_data import chart_of

    alarm = get_object_or_404(Alarm.objects.judged_by_data(), pk=pk)
    context = {"nav": "alarms", "alarm": alarm}
    definition = definition_of(alarm)
    try:
        form = ChartForm(request.GET, spec=spec_of(definition))
        if not form.is_valid():
            return render(request, "alarms/chart.html", {**context, "form": form}, status=400)
        chart = chart_of(alarm, definition, form, timezone.now())
    except (BackendError, ValueError) as why:
        return render(request, "alarms/chart.html", {**context, "trouble": str(why)})
    return render(request, "alarms/chart.html", {**context, "form": form, **chart})
