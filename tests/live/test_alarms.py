"""A real cluster by its own clock: a minute after a datapoint the state is ALARM, and a mail is written."""

import pytest

pytestmark = pytest.mark.worker

_CONFIGURE = """
from tests.alarms import factory
from alarms.models import Alarm
found = factory.alarm_set()
factory.static(
    *(found, factory.metric()),
    **dict(name="shop-ceiling", operator=Alarm.Operator.GT, threshold=6, evaluation_periods=1),
)
"""
_PUBLISH = """
from datetime import timedelta
from django.utils import timezone
from alarms.backends import backend_for
now = timezone.now()
backend_for().put_data("Shop", [
    {"MetricName": "orders", "Timestamp": now - timedelta(minutes=ago), "Value": 7.0} for ago in (0, 1, 2)
])
"""
_STATE = "SELECT state FROM alarms_localalarm WHERE name = 'shop-ceiling'"
_CHANGE = "SELECT old, new FROM alarms_statechange WHERE alarm_name = 'shop-ceiling' AND new = 'ALARM'"


def test_the_worker_ticks_and_a_datapoint_sets_off_an_alarm(install):
    installation = install()
    installation.manage("shell", "-c", _CONFIGURE)
    installation.manage("alarms_apply", "--set", "shop", "--yes")
    installation.manage("shell", "-c", _PUBLISH)
    assert installation.value(_STATE) == "INSUFFICIENT_DATA"

    installation.start_cluster()

    installation.wait_for(lambda: installation.value(_STATE) == "ALARM", "the alarm changed to ALARM", 150)
    installation.wait_for(lambda: list((installation.folder / "mail").glob("*.eml")), "a mail was written")
    assert installation.rows(_CHANGE) == [("INSUFFICIENT_DATA", "ALARM")]
    [mail] = (installation.folder / "mail").glob("*.eml")
    assert "shop-ceiling" in mail.read_text()
