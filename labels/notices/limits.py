"""How many SMS a day may be sent: each costs money, and is counted before it is sent."""

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from labels.models import SmsCount
from photomgr.outbox import PermanentFailure


class DailyLimitReached(PermanentFailure):
    """The day's limit allows no further SMS: tomorrow it would be no news."""


@transaction.atomic
def count_sms(owner):
    """Count one more SMS of the owner's today and return that day, or raise DailyLimitReached.

    The row of the whole site is locked until the transaction ends, so that nobody else can count one.
    """
    day = timezone.localdate()
    for whose, limit, words in (
        (None, settings.SMS_DAILY_LIMIT, "The {:,} texts a day of this site"),
        (owner, settings.SMS_DAILY_LIMIT_EACH, "Your {:,} texts a day"),
    ):
        SmsCount.objects.get_or_create(day=day, owner=whose)
        below = SmsCount.objects.filter(day=day, owner=whose, sent__lt=limit)
        if not below.update(sent=F("sent") + 1):
            raise DailyLimitReached(f"{words.format(limit)} are used up. Tomorrow there are more.")
    return day


def uncount_sms(owner, day):
    """Take back the count of an SMS that SNS refused, and does not bill."""
    for whose in (None, owner):
        SmsCount.objects.filter(day=day, owner=whose, sent__gt=0).update(sent=F("sent") - 1)
