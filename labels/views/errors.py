"""Errors that a person can do something about."""

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.shortcuts import render


def bad_request(request, exception):
    reason = ""
    if isinstance(exception, TooManyFilesSent):
        limit = settings.DATA_UPLOAD_MAX_NUMBER_FILES
        reason = (
            f"That were more than {limit} files at once. Send at most {limit} at a time, nothing was added."
        )
    return render(request, "400.html", {"reason": reason}, status=400)
