from datetime import timedelta

from axes.models import AccessAttempt, AccessLog
from django.utils import timezone

from photomgr.accounts.models import RateCount, Session

_LOGS_KEPT = timedelta(days=90)
_COUNTS_KEPT = timedelta(days=1)


def forget_old(now=None):
    """Delete sessions, counts and logs of sign-ins that are over; return how many."""
    now = now or timezone.now()
    over = (
        Session.objects.filter(expire_date__lt=now),
        RateCount.objects.filter(ends_at__lt=now - _COUNTS_KEPT),
        AccessAttempt.objects.filter(attempt_time__lt=now - _COUNTS_KEPT),
        AccessLog.objects.filter(attempt_time__lt=now - _LOGS_KEPT),
    )
    return sum(rows.delete()[0] for rows in over)
