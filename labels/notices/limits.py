"""How many texts a day may go out: each costs money, and is counted before it is sent."""

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from labels.models import TextCount


class TooManyTexts(Exception):
    """The day's limit allows no further text; the sentence says which limit."""


@transaction.atomic
def count(owner):
    """Count one more text of the owner's today and return that day, or raise TooManyTexts.

    Until the transaction ends nobody else can count one: the row of all is locked.
    """
    day = timezone.localdate()
    if not _add(day, None, settings.SMS_DAILY_LIMIT):
        raise TooManyTexts(
            f"The {settings.SMS_DAILY_LIMIT:,} texts a day of this site are used up. Tomorrow there are more."
        )
    if not _add(day, owner, settings.SMS_DAILY_LIMIT_EACH):
        raise TooManyTexts(
            f"Your {settings.SMS_DAILY_LIMIT_EACH:,} texts a day are used up. Tomorrow there are more."
        )
    return day


def give_back(owner, day):
    """Take back the count of a text that SNS did not take, and does not bill."""
    for whose in (None, owner):
        TextCount.objects.filter(day=day, owner=whose, sent__gt=0).update(sent=F("sent") - 1)


def _add(day, owner, limit):
    TextCount.objects.get_or_create(day=day, owner=owner)
    return TextCount.objects.filter(day=day, owner=owner, sent__lt=limit).update(sent=F("sent") + 1)
