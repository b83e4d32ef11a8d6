"""A configured alarm with its history, and the backtest of it as a report."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.conf import settings

from alarms.analysis import backtest
from alarms.analysis.alarm_spec import AlarmSpec, breaching, spec_of
from alarms.backends import backend_for
from alarms.config.configuration import definition_of
from alarms.models.delivery import mail_recipients
from alarms.notices import topics
from alarms.readings import values
from alarms.readings.retention import MINUTES_KEPT


class RegionSnapshot:
    """What the alarms of one Region share; read once for all of them.

    `ask_topics` also asks SNS who subscribes to the topics of `alarms`.
    """

    def __init__(self, region, alarms=(), ask_topics=False):
        self.backend = backend_for(region)
        self.detectors = self.backend.detectors()
        self.detector_states = self.backend.detector_states()
        self.metrics = values.metrics_by_identity()
        arns = {arn for alarm in alarms for arn in definition_of(alarm).get("AlarmActions", [])}
        self.subscriptions = topics.confirmed(sorted(arns)) if ask_topics else {}
        self.mails = tuple(mail_recipients()) if settings.ALARMS_BACKEND == "local" else ()

    def read(self, definition, spec, start, end):
        """Return (Reading, Band or None) of an alarm between two moments."""
        reading = values.read_values(self.backend, spec, start, end)
        return reading, values.band_of(definition, spec, reading, self.detectors, self.metrics)


@dataclass(frozen=True)
class BacktestCase:
    name: str
    spec: AlarmSpec
    history: backtest.History
    times: np.ndarray
    budget: float


def case_of(alarm, snapshot, now, weeks, incidents=()):
    """Return the alarm with `weeks` of history to judge, and what a band learns from before that."""
    definition = definition_of(alarm)
    spec = spec_of(definition)
    start = now - timedelta(weeks=weeks)
    begin = start - (values.LEARN if spec.k is not None else timedelta(0))
    if timedelta(weeks=weeks) <= MINUTES_KEPT - timedelta(days=7):
        # Learning from a few days less is better than judging by the five minutes.
        begin = max(begin, now - MINUTES_KEPT)
    reading, band = snapshot.read(definition, spec, begin, now)
    history = history_of(reading, band, start.timestamp(), incidents)
    return BacktestCase(alarm.name, spec, history, reading.times, alarm.alarm_set.false_alarms_per_week)


def history_of(reading, band, judged_from, incidents=()):
    """Return the History of a Reading; incidents are (start, end) in seconds since 1970."""
    places = tuple(tuple(np.searchsorted(reading.times, moments).tolist()) for moments in incidents)
    begin = int(np.searchsorted(reading.times, judged_from))
    if band is not None:
        there = np.flatnonzero(np.isfinite(band.expected))
        begin = max(begin, int(there[0]) if len(there) else len(reading.times))
    return backtest.History(reading.period, reading.values, band, places, begin)


def report_of(case, budget):
    spec, history = case.spec, case.history
    if spec.side is None:
        own, table, pairs = backtest.judge(history, breaching(spec, history.values), spec.rule), [], []
    else:
        own = backtest.judge(history, backtest.band_points(history, spec.k, spec.side), spec.rule, spec.k)
        table = backtest.k_table(history, spec.rule, spec.side)
        pairs = backtest.m_of_n_table(history, spec.k, spec.rule, spec.side)
    return {
        "alarm": case.name,
        "period": int(history.period),
        "weeks": round(float(history.weeks), 2),
        "budget": budget,
        "within_budget": own.false_alarms_per_week <= budget,
        **_plain(own),
        "fired": [datetime.fromtimestamp(case.times[place], UTC).isoformat() for place in own.starts[:100]],
        "smallest_k": backtest.smallest_k(table, budget),
        "suggested_k": backtest.suggested_k(table, budget),
        "k_table": [_plain(verdict) for verdict in table],
        "m_of_n": [_plain(verdict) for verdict in pairs],
    }


def _plain(verdict):
    return {name: value for name, value in vars(verdict).items() if name != "starts"}
