"""Wrong settings of the alarms are said at the start, with what to do."""

import pytest
from django.core.checks import run_checks


@pytest.mark.parametrize(
    ("id", "changed", "hint"),
    [
        ("alarms.E001", {"ALARMS_BACKEND": "prometheus"}, "local, cloudwatch"),
        ("alarms.E002", {"ALARMS_CALLS_PER_SECOND": 0}, "above 0"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(settings, id, changed, hint):
    for name, value in changed.items():
        setattr(settings, name, value)

    (found,) = [found for found in run_checks() if found.id == id]

    assert next(iter(changed)) in found.msg and hint in found.hint


def test_the_defaults_have_nothing_to_say(settings):
    settings.ALARMS_BACKEND = "local"

    assert [found for found in run_checks() if found.id in ("alarms.E001", "alarms.E002")] == []
