"""Who among the staff may do what: the pages ask for the permissions that the admin asks for."""

from functools import wraps

from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.http import Http404


def staff_needs(*permissions):
    """Let staff with all of these permissions in, 403 for other staff and 404 for everyone else.

    As in the admin, who may change a thing may also view it.
    """

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if not request.user.is_staff:
                raise Http404
            require(request.user, *permissions)
            return view(request, *args, **kwargs)

        guarded.staff_permissions = permissions
        return guarded

    return decorate


def require(user, *permissions):
    """Raise PermissionDenied, with a sentence for the person, unless they are staff and have all of these."""
    missing = [name for name in permissions if not may(user, name)]
    if missing:
        names = " and ".join(f"“{_in_words(name)}”" for name in missing)
        plural = "s" if len(missing) > 1 else ""
        raise PermissionDenied(f"It needs the permission{plural} {names}, which your account does not have.")


def may(user, permission):
    app, _, codename = permission.partition(".")
    action, _, model = codename.partition("_")
    also = user.has_perm(f"{app}.change_{model}") if action == "view" else False
    return user.is_staff and (also or user.has_perm(permission))


def _in_words(permission):
    app, _, codename = permission.partition(".")
    found = Permission.objects.filter(content_type__app_label=app, codename=codename)
    return found.values_list("name", flat=True).first() or permission
