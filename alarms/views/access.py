from functools import wraps

from django.http import Http404


def needs(permission):
    """Let staff with a permission of this app in; answer 404 to everyone else."""

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            user = request.user
            if not (user.is_staff and user.has_perm(f"alarms.{permission}")):
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

    return decorate
