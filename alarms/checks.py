"""System checks of the alarms' settings."""

from photomgr.checks import register_settings_checks
from photomgr.environment import SETTINGS

_BACKENDS = SETTINGS["ALARMS_BACKEND"].choices

register_settings_checks(
    (
        (
            "alarms.E001",
            lambda s: s.ALARMS_BACKEND not in _BACKENDS,
            "ALARMS_BACKEND is {s.ALARMS_BACKEND!r}.",
            f"It may be one of {', '.join(_BACKENDS)}.",
        ),
        (
            "alarms.E002",
            lambda s: not s.ALARMS_CALLS_PER_SECOND > 0,
            "ALARMS_CALLS_PER_SECOND is {s.ALARMS_CALLS_PER_SECOND}.",
            "It must be above 0; CloudWatch takes 3.",
        ),
    )
)
