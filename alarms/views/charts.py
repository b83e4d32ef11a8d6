"""An alarm's chart, and what another width or another M of N would have done."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from django import forms
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from alarms.backends import BackendError
from alarms.config.configuration import definition_of
from alarms.models import Alarm
from alarms.views.access import needs

SPANS = {
    "3h": ("3 hours", timedelta(hours=3)),
    "1d": ("1 day", timedelta(days=1)),
    "1w": ("1 week", timedelta(weeks=1)),
    "2w": ("2 weeks", timedelta(weeks=2)),
}


class ChartForm(forms.Form):
    """k, M, N and the span; what is left out is as the alarm has it."""

    span = forms.ChoiceField(choices=[(name, words) for name, (words, _) in SPANS.items()], required=False)
    k = forms.FloatField(min_value=0.1, max_value=100, required=False)
    m = forms.IntegerField(min_value=1, max_value=1440, required=False, label="M")
    n = forms.IntegerField(min_value=1, max_value=1440, required=False, label="N")

    def __init__(self, data, spec):
        super().__init__(data)
        self.spec = spec

    def clean_span(self):
        return self.cleaned_data["span"] or "1d"

    def clean(self):
        cleaned = super().clean()
        n = cleaned.get("n") or self.spec.rule.n
        m = cleaned.get("m") or min(self.spec.rule.needed, n)
        if m > n:
            raise forms.ValidationError(f"M is {m} and N is {n}: at most N of N periods can breach.")
        return {**cleaned, "m": m, "n": n}

    def wanted(self):
        asked = self.cleaned_data
        k = asked["k"] if self.spec.k is not None and asked["k"] else self.spec.k
        return replace(self.spec, rule=replace(self.spec.rule, n=asked["n"], m=asked["m"]), k=k)

    def link(self, **changes):
        asked = {name: self.cleaned_data[name] for name in ("span", "k", "m", "n")}
        return "?" + urlencode({name: v for name, v in {**asked, **changes}.items() if v is not None})


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
