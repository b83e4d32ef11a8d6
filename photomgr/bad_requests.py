"""Refuse with 400 what no view can work with, in one place: PostgreSQL stores and compares no NUL in a text.

What a request names is looked at before the session is read, its form only after CSRF and login were checked,
because reading it takes in the whole body.
"""

from django.core.exceptions import BadRequest
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

_NUL = "\0"


class RefuseNulMiddleware(MiddlewareMixin):
    """Refuse a NUL in the path and the query; leave out cookies with one, of which people know nothing."""

    def process_request(self, request):
        for name in [name for name, value in request.COOKIES.items() if _NUL in name + value]:
            del request.COOKIES[name]
        if _NUL in request.path_info:
            raise BadRequest("The address holds a NUL character (%00), which no name can have.")
        _refuse(request.GET)


class RefuseNulInFormMiddleware(MiddlewareMixin):
    def process_view(self, request, view, arguments, parameters):
        _refuse(request.POST)


class RefuseHugeNumbersInAdminMiddleware(MiddlewareMixin):
    """Refuse numbers beyond what SQLite and dates hold, which Django's admin does not ask everywhere."""

    def process_exception(self, request, exception):
        if isinstance(exception, OverflowError) and request.resolver_match.app_name == "admin":
            reason = "The address holds a number that is too large."
            return render(request, "400.html", {"reason": reason}, status=400)
        return None


def _refuse(fields):
    for name, values in fields.lists():
        if _NUL in name or any(_NUL in value for value in values):
            shown = name.replace(_NUL, "")[:50]
            raise BadRequest(f"The field “{shown}” holds a NUL character (%00), which no text can have.")
