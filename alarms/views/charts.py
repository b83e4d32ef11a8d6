"""An alarm's chart, and what another width or another M of N would have done: each "what if" is a link."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from alarms.analysis import backtest, charts
from alarms.analysis.alarm_spec import breaching, read
from alarms.analysis.evaluation import evaluate_all
from alarms.backends import BackendError
from alarms.cloudwatch import mute_schedules
from alarms.cloudwatch.constants import ALARM, STATES
from alarms.cloudwatch.definitions import detector_key, detector_of, detector_settings
from alarms.config.configuration import definition_of
from alarms.doctor import runner
from alarms.models import Alarm
from alarms.readings import values
from alarms.views.access import needs
from alarms.views.chart_form import SPANS, ChartForm

# The widths beside the chart; alarms_backtest has the whole table.
_KS = (2.0, 2.5, 3.0, 3.5, 4.0, 5.0)


@dataclass(frozen=True)
class Seen:
    """An alarm with its data, as asked for by the address."""

    alarm: Alarm
    definition: dict
    watch: object
    reading: values.Reading
    band: object
    around: runner.Surroundings


@require_safe
@needs("view_alarm")
def alarm_chart(request, pk):
    """Draw the alarm over a span, with k, M and N as the address says."""
    alarm = get_object_or_404(runner.alarms_to_examine(), pk=pk)
    context = {"nav": "alarms", "alarm": alarm}
    definition = definition_of(alarm)
    try:
        watch = read(definition)
        form = ChartForm(request.GET, watch=watch)
        if not form.is_valid():
            return render(request, "alarms/chart.html", {**context, "form": form}, status=400)
        seen = _seen(alarm, definition, form.wanted(), timezone.now())
    except (BackendError, ValueError) as why:
        return render(request, "alarms/chart.html", {**context, "trouble": str(why)})
    return render(request, "alarms/chart.html", {**context, "form": form, **_shown(seen, form)})


def _seen(alarm, definition, watch, now):
    around = runner.surroundings(alarm.alarm_set.region)
    reading = values.read(around.backend, watch, now - runner.LOOK_BACK, now)
    band = values.band_of(definition, watch, reading, around.detectors, around.metrics)
    return Seen(alarm, definition, watch, reading, band, around)


def _shown(seen, form):
    """Return what the page shows: drawing, rows, alarms of the span, what-ifs."""
    watch, reading, band = seen.watch, seen.reading, seen.band
    edges = (band.lower(watch.k), band.upper(watch.k)) if band else (None, None)
    states = evaluate_all(breaching(watch, reading.values, *edges), watch.rule)
    rung = charts.alarm_spans(states, reading.times, reading.period, STATES.index(ALARM))
    chart = _drawn(seen, edges, rung, SPANS[form.cleaned_data["span"]][1])
    judged = _what_if(seen, form)
    own = judged["own"]
    return {
        "span": form.cleaned_data["span"],
        "span_links": [(name, words, form.link(span=name)) for name, (words, _) in SPANS.items()],
        # Our own markup: every text in it is escaped in alarms.analysis.charts.
        "wide": mark_safe(charts.svg(chart, charts.WIDE, "wide")),  # noqa: S308
        "narrow": mark_safe(charts.svg(chart, charts.NARROW, "narrow")),  # noqa: S308
        "own_k": f"{watch.k:g}" if watch.k is not None else "",
        "alarm_share": f"{own.time_in_alarm:.2%}",
        "rows": charts.rows(chart),
        "banded": band is not None,
        "rung": [_rung(span, reading) for span in rung if span[1] > chart.start][-20:][::-1],
        "period": reading.period,
        **judged,
    }


def _drawn(seen, edges, rung, span):
    reading, watch = seen.reading, seen.watch
    shown = slice(-int(span.total_seconds() // reading.period), None)
    start, end = (
        datetime.fromtimestamp(moment, UTC)
        for moment in (reading.times[shown][0], reading.times[-1] + reading.period)
    )
    nature = values.nature(watch, seen.around.metrics)
    low, high = _thresholds(seen)
    return charts.Chart(
        seen.alarm.name,
        reading.times[shown],
        reading.values[shown],
        reading.period,
        *(None if edge is None else edge[shown] for edge in edges),
        floor=low,
        ceiling=high,
        natural_min=nature.natural_min,
        natural_max=nature.natural_max,
        alarms=rung,
        mutes=_muted(seen.alarm, start, end),
        excluded=_excluded(seen),
    )


def _thresholds(seen):
    """Return (floor, ceiling): the alarm's own threshold, and those of the alarms beside it."""
    beside = [seen.alarm]
    if seen.alarm.metric_id:
        beside += Alarm.objects.enabled().filter(metric=seen.alarm.metric_id, period=seen.alarm.period)
    found = {"Less": [], "Greater": []}
    for alarm in beside:
        if alarm.threshold is not None and alarm.operator:
            found["Less" if alarm.operator.startswith("Less") else "Greater"].append(alarm.threshold)
    return max(found["Less"], default=None), min(found["Greater"], default=None)


def _muted(alarm, start, end):
    return tuple(
        (begin.timestamp(), until.timestamp())
        for mute in alarm.mutes.all()
        for begin, until in mute_schedules.spans(mute, start, end)
    )


def _excluded(seen):
    detector = detector_of(seen.definition)
    found = seen.around.detectors.get(detector_key(detector), {}) if detector else {}
    return tuple(
        tuple(datetime.fromisoformat(moment).timestamp() for moment in pair)
        for pair in detector_settings(found).get("ExcludedTimeRanges", [])
    )


def _rung(span, reading):
    """Return a past alarm, and the time around it that training would have to leave out."""
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in span)
    # It rang only after some points had breached; those shall not be learnt either.
    return {"start": start, "end": end, "from": start - timedelta(seconds=5 * reading.period), "until": end}


def _what_if(seen, form):
    """Return the tables beside the chart: false alarms a week at other widths and M of N."""
    history = runner.history_of(seen.reading, seen.band, _judged_from(seen))
    watch = seen.watch
    if watch.side is None:
        own = backtest.judge(history, breaching(watch, history.values), watch.rule)
        return {"own": own, "weeks": history.weeks, "budget": seen.alarm.alarm_set.false_alarms_per_week}
    ks = sorted({*_KS, watch.k})
    table = backtest.k_table(history, watch.rule, watch.side, ks)
    pairs = backtest.m_of_n_table(history, watch.k, watch.rule, watch.side)
    return {
        "own": next(verdict for verdict in table if verdict.k == watch.k),
        "weeks": history.weeks,
        "budget": seen.alarm.alarm_set.false_alarms_per_week,
        "ks": [(f"{verdict.k:g}", verdict, form.link(k=f"{verdict.k:g}")) for verdict in table],
        "pairs": [(verdict, form.link(m=verdict.m, n=verdict.n)) for verdict in pairs],
    }


def _judged_from(seen):
    """Return from when on it is judged: a band has then learnt for half of what there is, at most a week."""
    if seen.band is None or not len(seen.reading.times):
        return 0.0
    known = np.flatnonzero(np.isfinite(seen.reading.values))
    if not len(known):
        return 0.0
    first, last = seen.reading.times[known[0]], seen.reading.times[-1]
    return first + min(7 * 86_400, (last - first) / 2)
