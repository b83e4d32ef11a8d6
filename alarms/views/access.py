from functools import wraps

from django.http import Http404
from django.views.decorators.http import require_POST, require_safe


def needs(permission):
    """Let staff with a permission of this app in; answer 404 to everyone else.

    Who may view reads the page; what needs any other permission is posted.
    """
    allow = require_safe if permission.startswith("view_") else require_POST

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            user = request.user
            if not (user.is_staff and user.has_perm(f"alarms.{permission}")):
                raise Http404
            return view(request, *args, **kwargs)

        return allow(guarded)

    return decorate
