"""What browsers report when the Content-Security-Policy stopped something: a few lines in the log."""

import json
import logging
import time
from collections import deque
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

# Anybody may send them: no row is written, and each process logs this many a minute.
PER_MINUTE = 30
_MOST_BYTES = 16_384
_FIELDS = ("effective-directive", "violated-directive", "blocked-uri", "source-file", "line-number")
_logged: deque[float] = deque(maxlen=PER_MINUTE)

log = logging.getLogger(__name__)


@login_not_required
@csrf_exempt
@require_POST
def csp_report(request):
    if int(request.META.get("CONTENT_LENGTH") or 0) > _MOST_BYTES:
        return HttpResponse(status=413)
    if len(_logged) == PER_MINUTE and time.monotonic() - _logged[0] < 60:
        return HttpResponse(status=429, headers={"Retry-After": "60"})
    try:
        report = json.loads(request.body)["csp-report"]
        page = urlsplit(str(report["document-uri"])).path
    except (ValueError, KeyError, TypeError, RawPostDataException):
        return HttpResponse(status=400)
    _logged.append(time.monotonic())
    words = [f"{name} {_plain(report[name])}" for name in _FIELDS if report.get(name)]
    log.warning("The security policy stopped something on %s: %s", _plain(page), ", ".join(words))
    return HttpResponse(status=204)


def _plain(value):
    """Return what nobody can forge another line of a log with."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(value))[:200]
