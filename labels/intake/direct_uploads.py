"""Files that browsers send straight to the bucket: promised, sent, checked, added."""

from datetime import timedelta

from django.utils import timezone

from labels.intake.add import Outcome, add_photo
from labels.intake.checks import check_size, clean_name
from labels.models import DirectUpload
from labels.models.direct_upload import direct_upload_files
from labels.models.photo import random_key
from labels.storage.errors import StorageUnavailable

# What ended is swept after so long; the bucket's own rule in deploy/ must not be earlier.
KEPT = timedelta(days=1)


def begin(owner, name, size):
    """Return a DirectUpload and the form (url, fields) that sends exactly it; raise Refused over its size."""
    name = clean_name(name)
    check_size(name, size)
    upload = DirectUpload.objects.create(owner=owner, key=random_key("bin"), name=name, size=size)
    # How long a browser has to begin; S3 looks at it when the form arrives.
    return upload, direct_upload_files().signed_post(upload.key, size, 900)


def mark_sent(upload):
    """Return whether that was news."""
    waiting = DirectUpload.objects.filter(pk=upload.pk, status=DirectUpload.Status.OPEN)
    return bool(waiting.update(status=DirectUpload.Status.SENT, next_attempt_at=timezone.now()))


def add(upload):
    """Make a photo of the leased file, or refuse it, by the same checks as any other file."""
    try:
        with direct_upload_files().open(upload.key) as file:
            result = add_photo(file, upload.name, upload.owner, draw=True)
    except FileNotFoundError:
        _end(upload, Outcome.REFUSED, f"{upload.name} did not arrive. Send it again.")
    else:
        _end(upload, result.outcome, result.reason, result.photo)
    direct_upload_files().delete(upload.key)


def postpone(upload, reason, counts=True):
    if counts and upload.is_last_attempt:
        _end(upload, Outcome.REFUSED, f"{reason} Send it again.")
    else:
        upload.postpone(counts=counts)


def give_up(rows):
    return rows.release(
        status=DirectUpload.Status.DONE,
        outcome=Outcome.REFUSED,
        reason="The server stopped while it checked this file, again and again.",
    )


def clear(now):
    """Remove what was promised and never confirmed, and rows that are done; return how many."""
    ended = (DirectUpload.Status.OPEN, DirectUpload.Status.DONE)
    old = DirectUpload.objects.filter(status__in=ended, created_at__lt=now - KEPT)
    cleared = 0
    for upload in old.iterator():
        try:
            direct_upload_files().delete(upload.key)
        except StorageUnavailable:
            # The next sweep is a minute away, and other things are to be swept now.
            break
        cleared += upload.delete()[0]
    return cleared


def _end(upload, outcome, reason, photo=None):
    upload.release(status=DirectUpload.Status.DONE, outcome=outcome, reason=reason, photo=photo)
