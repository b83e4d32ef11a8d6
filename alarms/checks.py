"""System checks of the alarms' settings."""

from django.conf import settings
from django.core.checks import Error, register

from photomgr.environment import SETTINGS


@register()
def backend_is_known(app_configs, **kwargs):
    known = SETTINGS["ALARMS_BACKEND"].choices
    if settings.ALARMS_BACKEND in known:
        return []
    return [
        Error(
            f"ALARMS_BACKEND is {settings.ALARMS_BACKEND!r}.",
            hint=f"It may be one of {', '.join(known)}.",
            id="alarms.E001",
        )
    ]


@register()
def pace_is_positive(app_configs, **kwargs):
    if settings.ALARMS_CALLS_PER_SECOND > 0:
        return []
    return [
        Error(
            f"ALARMS_CALLS_PER_SECOND is {settings.ALARMS_CALLS_PER_SECOND}.",
            hint="It must be above 0; CloudWatch takes 3.",
            id="alarms.E002",
        )
    ]
