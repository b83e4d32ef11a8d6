from django.conf import settings
from django.core.checks import Error, register

from photomgr.environment import SETTINGS


@register()
def check_settings(app_configs, **kwargs):
    backends = SETTINGS["ALARMS_BACKEND"].choices
    if settings.ALARMS_BACKEND not in backends:
        yield Error(
            f"ALARMS_BACKEND is {settings.ALARMS_BACKEND!r}.",
            hint=f"It may be one of {', '.join(backends)}.",
            id="alarms.E001",
        )
    if not settings.ALARMS_CALLS_PER_SECOND > 0:
        yield Error(
            f"ALARMS_CALLS_PER_SECOND is {settings.ALARMS_CALLS_PER_SECOND}.",
            hint="It must be above 0; CloudWatch takes 3.",
            id="alarms.E002",
        )
