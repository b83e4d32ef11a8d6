"""How many photos one account may send in a minute, and how many bytes of them it may keep."""

from datetime import timedelta

from django.conf import settings
from django.db.models import F, Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from labels.intake.checks import Refused, clean_name
from labels.models import Photo
from photomgr.accounts import rates
from photomgr.accounts.models import RateCount

# Adding up a million photos takes a good part of a second.
_MEASURED_FOR = timedelta(minutes=10)


class TooFast(Exception):
    """More than the account may send in a minute; `seconds` until it may again."""

    def __init__(self, seconds):
        limit = settings.UPLOADS_PER_MINUTE
        super().__init__(
            f"You sent more than {limit:,} photos within a minute, and that is the most. What came before is "
            f"safe; send the rest in {rates.in_words(seconds)}."
        )
        self.seconds = seconds


def take_turn(owner, files=1):
    if seconds := rates.take("upload", owner.pk, settings.UPLOADS_PER_MINUTE, 60, files):
        raise TooFast(seconds)


def check_room(owner, name, size):
    """Raise Refused when the account's photos would take more bytes with this one than it may keep."""
    quota = settings.UPLOAD_QUOTA_BYTES
    if quota and not (_fits_what_was_measured(owner, size, quota) or _measure(owner, size, quota)):
        raise Refused(
            f"{clean_name(name)} is {filesizeformat(size)}, for which there is no room: your photos may take "
            f"{filesizeformat(quota)} in all. Delete some, or ask your administrator to raise the limit.",
            "quota",
        )


def _fits_what_was_measured(owner, size, quota):
    now = timezone.now()
    rows = RateCount.objects.filter(kind="stored", key=owner.pk, count__lte=quota - size)
    # What was deleted since makes it too much, never too little.
    rows = rows.filter(ends_at__gt=now, ends_at__lte=now + _MEASURED_FOR)
    return bool(rows.update(count=F("count") + size))


def _measure(owner, size, quota):
    """Add up what is stored, remember it with this file, and return whether that is within the quota."""
    total = Photo.objects.filter(owner=owner).aggregate(bytes=Sum("size", default=0))["bytes"] + size
    if total <= quota:
        fields = {"count": total, "ends_at": timezone.now() + _MEASURED_FOR}
        RateCount.objects.update_or_create(kind="stored", key=owner.pk, defaults=fields)
    return total <= quota
