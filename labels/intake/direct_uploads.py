"""Files that browsers send straight to the bucket: promised, sent, checked, taken in."""

from datetime import timedelta

from django.utils import timezone

from labels.intake.add import Outcome, add_photo
from labels.intake.checks import check_size, clean_name
from labels.models import DirectUpload
from labels.models.direct_upload import incoming_files
from labels.models.photo import random_key
from labels.storage.errors import StorageUnavailable

# How long a browser has to begin; S3 looks at it when the form arrives.
POST_SECONDS = 900
_KEPT = timedelta(days=1)


def begin(owner, name, size):
    """return a DirectUpload and the form (url, fields) that sends exactly it; raise Refused over its size."""
    name = clean_name(name)
    check_size(name, size)
    incoming = DirectUpload.objects.create(owner=owner, key=random_key("bin"), name=name, size=size)
    return incoming, incoming_files().signed_post(incoming.key, size, POST_SECONDS)


def sent(incoming):
    """Note that the file has arrived; return whether that was news."""
    waiting = DirectUpload.objects.filter(pk=incoming.pk, status=DirectUpload.Status.OPEN)
    return bool(waiting.update(status=DirectUpload.Status.SENT, next_attempt_at=timezone.now()))


def take_in(incoming):
    """Make a photo of the held file, or refuse it, with the checks of every other way in."""
    try:
        with incoming_files().open(incoming.key) as file:
            taken = add_photo(file, incoming.name, incoming.owner)
    except FileNotFoundError:
        _end(incoming, Outcome.REFUSED, f"{incoming.name} did not arrive. Send it again.")
    else:
        _end(incoming, taken.outcome, taken.reason, taken.photo)
    incoming_files().delete(incoming.key)


def postpone(incoming, reason, counts=True):
    """Let the held file wait for another attempt; after the last that counts it is refused."""
    if counts and incoming.is_last_attempt:
        _end(incoming, Outcome.REFUSED, f"{reason} Send it again.")
        return
    incoming.postpone(counts=counts)


def give_up(rows):
    """Refuse the files whose every attempt ended with the death of its worker; return how many."""
    return rows.release(
        status=DirectUpload.Status.DONE,
        outcome=Outcome.REFUSED,
        reason="The server stopped while it checked this file, again and again.",
    )


def clear(now):
    """Remove what was promised and never confirmed, and rows that are done; return how many."""
    old = DirectUpload.objects.filter(
        status__in=(DirectUpload.Status.OPEN, DirectUpload.Status.DONE), created_at__lt=now - _KEPT
    )
    cleared = 0
    for incoming in old.iterator():
        try:
            incoming_files().delete(incoming.key)
        except StorageUnavailable:
            # The next sweep is a minute away, and other things are to be swept now.
            break
        cleared += incoming.delete()[0]
    return cleared


def _end(incoming, outcome, reason, photo=None):
    incoming.release(status=DirectUpload.Status.DONE, outcome=outcome, reason=reason, photo=photo)
