"""Errors that a person can do something about."""

import logging
import sys

from django.conf import settings
from django.core.exceptions import BadRequest, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin

from labels.storage.errors import StorageUnavailable

_log = logging.getLogger(__name__)


def bad_request(request, exception):
    reason = str(exception) if isinstance(exception, BadRequest) else ""
    if isinstance(exception, TooManyFilesSent):
        limit = settings.DATA_UPLOAD_MAX_NUMBER_FILES
        reason = (
            f"That were more than {limit} files at once. Send at most {limit} at a time, nothing was added."
        )
    return render(request, "400.html", {"reason": reason}, status=400)


def server_error(request):
    """Answer 503 when the database was away, locked, or all connections to it were in use, else 500."""
    # Also raised before a view begins, where no middleware hears of it: the session is in the database.
    if not isinstance(sys.exception(), (OperationalError, InterfaceError)):
        return HttpResponse(render_to_string("500.html"), status=500)
    reason = "The database does not answer, or too many are asking at once. Your photos are safe."
    # Without the request: what base.html shows is in the database, too.
    page = render_to_string("500.html", {"title": "Please try again in a minute", "reason": reason})
    return _unavailable(request, "database", reason, HttpResponse(page))


class StorageUnavailableMiddleware(MiddlewareMixin):
    """Answer 503 with the reason when a view raises StorageUnavailable."""

    def process_exception(self, request, exception):
        if not isinstance(exception, StorageUnavailable):
            return None
        _log.error("%s: %s", request.path, exception)
        reason = f"The photo storage cannot be used now: {exception.strerror}. Try again in a minute."
        page = render(request, "503.html", {"reason": reason})
        return _unavailable(request, "storage", reason, page)


def _unavailable(request, what, reason, page):
    """Return a 503: the page, or JSON where that is preferred."""
    as_json = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    answer = JsonResponse({"errors": {what: [reason]}}) if as_json else page
    answer.status_code = 503
    answer.headers["Retry-After"] = "60"
    return answer
