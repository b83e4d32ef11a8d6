"""System checks of settings as a table, so that a check is a row and not a function around one."""

from django.conf import settings
from django.core.checks import Error, Warning, register

_LEVELS = {"E": Error, "W": Warning}


def register_settings_checks(rows):
    """Report at the start what rows of (id, wrong, message, hint) find in the settings.

    `wrong(settings)` returns a list with a dict for each problem, or only whether there is one. Message
    and hint are format strings; they know the dict's keys and `s`, the settings. The letter of the id is
    the level.
    """

    @register()
    def check_settings(app_configs, **kwargs):
        return [problem for row in rows for problem in _problems(*row)]


def _problems(id, wrong, message, hint):
    found = wrong(settings)
    level = _LEVELS[id.partition(".")[2][0]]
    for values in [{}] if found is True else found or ():
        yield level(message.format(s=settings, **values), hint=hint.format(s=settings, **values), id=id)
