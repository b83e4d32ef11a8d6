"""Errors that a person can do something about."""

import logging

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.http import JsonResponse
from django.shortcuts import render

from labels.buckets import StorageTrouble

_log = logging.getLogger(__name__)


def bad_request(request, exception):
    reason = ""
    if isinstance(exception, TooManyFilesSent):
        limit = settings.DATA_UPLOAD_MAX_NUMBER_FILES
        reason = (
            f"That were more than {limit} files at once. Send at most {limit} at a time, nothing was added."
        )
    return render(request, "400.html", {"reason": reason}, status=400)


class StorageTroubleMiddleware:
    """Answer 503 with the reason when a view finds that the photo storage does not serve us now."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if not isinstance(exception, StorageTrouble):
            return None
        _log.error("%s: %s", request.path, exception)
        reason = f"The photo storage cannot be used now: {exception.strerror}. Try again in a minute."
        if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
            answer = JsonResponse({"errors": {"storage": [reason]}}, status=503)
        else:
            answer = render(request, "503.html", {"reason": reason}, status=503)
        answer.headers["Retry-After"] = "60"
        return answer
