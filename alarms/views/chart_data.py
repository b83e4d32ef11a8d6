"""What a chart's page shows: the drawing, its rows, past alarms, and the tables of "what if"."""

from datetime import UTC, datetime, timedelta

import numpy as np
from django.utils.safestring import mark_safe

from alarms.analysis import backtest
from alarms.analysis.alarm_spec import breaching
from alarms.analysis.charts.chart import Chart, alarm_spans, rows
from alarms.analysis.charts.svg import NARROW, WIDE, svg
from alarms.analysis.evaluation import evaluate_all
from alarms.cloudwatch import mute_schedules
from alarms.cloudwatch.constants import ALARM, STATES
from alarms.doctor.reports import RegionSnapshot, history_of
from alarms.models import Alarm
from alarms.readings import values
from alarms.readings.retention import MINUTES_KEPT
from alarms.views.charts import SPANS

# The widths beside the chart; alarms_backtest has the whole table.
_KS = (2.0, 2.5, 3.0, 3.5, 4.0, 5.0)


class ChartData:
    def __init__(self, alarm, definition, spec, now):
        self.alarm, self.definition, self.spec = alarm, definition, spec
        self.snapshot = RegionSnapshot(alarm.alarm_set.region)
        self.reading, self.band = self.snapshot.read(definition, spec, now - MINUTES_KEPT, now)


def chart_of(alarm, definition, form, now):
    data = ChartData(alarm, definition, form.wanted(), now)
    spec, reading, band = data.spec, data.reading, data.band
    edges = (band.lower(spec.k), band.upper(spec.k)) if band else (None, None)
    states = evaluate_all(breaching(spec, reading.values, *edges), spec.rule)
    alarms = alarm_spans(states, reading.times, reading.period, STATES.index(ALARM))
    chart = _drawing(data, edges, alarms, SPANS[form.cleaned_data["span"]][1])
    tables = _what_if(data, form)
    return {
        "span": form.cleaned_data["span"],
        "span_links": [(name, words, form.link(span=name)) for name, (words, _) in SPANS.items()],
        # Our own markup: every text in it is escaped in alarms.analysis.charts.
        "wide": mark_safe(svg(chart, WIDE, "wide")),  # noqa: S308 (escaped there)
        "narrow": mark_safe(svg(chart, NARROW, "narrow")),  # noqa: S308 (escaped there)
        "own_k": f"{spec.k:g}" if spec.k is not None else "",
        "alarm_share": f"{tables['own'].time_in_alarm:.2%}",
        "rows": rows(chart),
        "banded": band is not None,
        "past_alarms": [_past(span, reading) for span in alarms if span[1] > chart.start][-20:][::-1],
        "period": reading.period,
        "budget": alarm.alarm_set.false_alarms_per_week,
        **tables,
    }


def _drawing(data, edges, alarms, span):
    reading = data.reading
    shown = slice(-int(span.total_seconds() // reading.period), None)
    span = reading.times[shown][0], reading.times[-1] + reading.period
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in span)
    metric = values.metric_row_of(data.spec, data.snapshot.metrics)
    floor, ceiling = _thresholds(data.alarm)
    mutes = (mute_schedules.spans(mute, start, end) for mute in data.alarm.mutes.all())
    return Chart(
        data.alarm.name,
        reading.times[shown],
        reading.values[shown],
        reading.period,
        *(None if edge is None else edge[shown] for edge in edges),
        floor=floor,
        ceiling=ceiling,
        natural_min=metric.natural_min,
        natural_max=metric.natural_max,
        alarms=alarms,
        mutes=tuple((begin.timestamp(), until.timestamp()) for spans in mutes for begin, until in spans),
        excluded=values.learning_of(data.definition, data.snapshot.detectors)[1],
    )


def _thresholds(alarm):
    """Return (floor, ceiling): the alarm's own threshold, and those of the alarms beside it."""
    beside = [alarm]
    if alarm.metric_id:
        beside += Alarm.objects.enabled().filter(metric=alarm.metric_id, period=alarm.period)
    found = [(row.operator, row.threshold) for row in beside if row.threshold is not None]
    floors = [threshold for operator, threshold in found if operator.startswith("Less")]
    ceilings = [threshold for operator, threshold in found if operator.startswith("Greater")]
    return max(floors, default=None), min(ceilings, default=None)


def _past(span, reading):
    """Return a past alarm, and the time around it that training would have to leave out."""
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in span)
    # Some points had breached before it was in alarm; those shall not be learnt either.
    return {"start": start, "end": end, "from": start - timedelta(seconds=5 * reading.period)}


def _what_if(data, form):
    """Return the tables beside the chart: false alarms a week at other widths and M of N."""
    history, spec = history_of(data.reading, data.band, _judged_from(data)), data.spec
    if spec.side is None:
        own = backtest.judge(history, breaching(spec, history.values), spec.rule)
        return {"own": own, "weeks": history.weeks}
    table = backtest.k_table(history, spec.rule, spec.side, sorted({*_KS, spec.k}))
    pairs = backtest.m_of_n_table(history, spec.k, spec.rule, spec.side)
    return {
        "own": next(verdict for verdict in table if verdict.k == spec.k),
        "weeks": history.weeks,
        "ks": [(f"{verdict.k:g}", verdict, form.link(k=f"{verdict.k:g}")) for verdict in table],
        "pairs": [(verdict, form.link(m=verdict.m, n=verdict.n)) for verdict in pairs],
    }


def _judged_from(data):
    """Return from when on it is judged: a band has then learnt for half of what there is, at most a week."""
    known = np.flatnonzero(np.isfinite(data.reading.values))
    if data.band is None or not len(known):
        return 0.0
    first, last = data.reading.times[known[0]], data.reading.times[-1]
    return first + min(7 * 86_400, (last - first) / 2)
