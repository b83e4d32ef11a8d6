"""The other ends of a bundle: failed, cancelled, expired, tried again."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from labels.bundles import archive_file
from labels.models import Bundle, Notice
from labels.models.claim import backoff

_RELEASED = {"lease_owner": "", "lease_until": None}


def fail(bundle, reason):
    """End the held bundle and tell its owner why; return whether it was still held."""
    return _fail(Bundle.objects.held(bundle), bundle, reason)


def postpone(bundle, reason):
    """Let the held bundle wait for its next attempt, or fail it when that was the last.

    Return whether it was still held.
    """
    if bundle.attempts >= settings.MAX_ATTEMPTS:
        return fail(bundle, f"{reason} (given up after {bundle.attempts} attempts)")
    return Bundle.objects.held(bundle).update(
        status=Bundle.Status.QUEUED,
        failure_reason=reason,
        next_attempt_at=timezone.now() + backoff(bundle.attempts),
        **_RELEASED,
    )


def give_up(bundles):
    """Fail the bundles whose every attempt ended with the death of its worker; return how many."""
    return sum(_give_up(bundle) for bundle in list(bundles))


def cancel(bundle):
    """Stop an unfinished bundle and free its storage; return whether there was anything to stop."""
    stopped = Bundle.objects.filter(pk=bundle.pk, status__in=Bundle.UNFINISHED).update(
        status=Bundle.Status.CANCELLED, finished_at=timezone.now(), **_RELEASED
    )
    if stopped:
        archive_file.clear(bundle.pk)
    return bool(stopped)


def expire(now):
    """Remove the archives that are past their time; return how many bundles that were."""
    return sum(_expire(bundle) for bundle in Bundle.objects.expired(now))


def retry(bundle):
    """Queue a failed or cancelled bundle again, with the photos it was asked for; return whether it was."""
    with transaction.atomic():
        again = Bundle.objects.filter(
            pk=bundle.pk, status__in=(Bundle.Status.FAILED, Bundle.Status.CANCELLED)
        ).update(
            status=Bundle.Status.QUEUED,
            attempts=0,
            next_attempt_at=timezone.now(),
            failure_reason="",
            finished_at=None,
            photos_done=0,
            bytes_done=0,
        )
        if again:
            # Its next outcome is told anew.
            Notice.objects.filter(bundle=bundle).delete()
    return bool(again)


@transaction.atomic
def _fail(rows, bundle, reason):
    ended = rows.update(
        status=Bundle.Status.FAILED, failure_reason=reason, finished_at=timezone.now(), **_RELEASED
    )
    if ended:
        Notice.objects.get_or_create(bundle=bundle, outcome=Notice.Outcome.FAILED)
    return ended


def _give_up(bundle):
    unchanged = Bundle.objects.filter(pk=bundle.pk, status=bundle.status, lease_owner=bundle.lease_owner)
    ended = _fail(
        unchanged, bundle, f"The worker stopped in the middle of it, {settings.MAX_ATTEMPTS} times."
    )
    if ended:
        # Not before: a worker that was only slow may have finished it meanwhile.
        archive_file.clear(bundle.pk)
    return ended


@transaction.atomic
def _expire(bundle):
    expired = Bundle.objects.filter(pk=bundle.pk, status__in=Bundle.DOWNLOADABLE).update(
        status=Bundle.Status.EXPIRED
    )
    # One by one: each row takes its file along on commit.
    for part in bundle.parts.all():
        part.delete()
    return expired
