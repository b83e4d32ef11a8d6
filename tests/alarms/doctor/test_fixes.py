"""Fixes by one click, as the next plan shows them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from alarms.apply.prepare import plan_for
from alarms.doctor import fixes
from tests.alarms import factory
from tests.alarms.definitions import query

pytestmark = pytest.mark.django_db


def test_a_band_on_metric_math_learns_nothing_from_what_is_excluded():
    rate = {"Id": "rate", "Expression": "errors / orders", "ReturnData": True}
    edges = {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(rate, 3)", "ReturnData": True}
    queries = [query("errors", "errors"), query("orders"), rate, edges]
    band = factory.band(factory.alarm_set(), None, queries=queries)
    end = timezone.now()

    fixes.exclude(band, end - timedelta(hours=1), end)

    planned = plan_for(band.alarm_set)
    assert planned.problems == []
    (detector,) = [change for change in planned.plan.changes if change.subject == "detector"]
    assert len(detector.after["Configuration"]["ExcludedTimeRanges"]) == 1
