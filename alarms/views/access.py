from django.views.decorators.http import require_POST, require_safe

from photomgr.staff import staff_needs


def needs(*names):
    """Let staff with these permissions of this app in: with view_… to read a page, with any other to post."""
    allow = require_safe if names[0].startswith("view_") else require_POST
    return lambda view: allow(staff_needs(*(f"alarms.{name}" for name in names))(view))
