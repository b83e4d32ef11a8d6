"""How a bundle ends other than ready (failed, cancelled, expired), and how it is queued again."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from labels.bundles.archive_store import archives
from labels.bundles.request import check_limits, lock_account
from labels.models import Bundle, Notice


def keep_until(now):
    return now + timedelta(hours=settings.BUNDLE_KEEP_HOURS)


@transaction.atomic
def fail(bundle, reason, free=False, rows=None):
    """End the leased bundle, or the one in `rows`, and notify its owner why; return whether it was there.

    What is built already is kept for a retry, unless `free` says that the room is needed.
    """
    rows, now = Bundle.objects.held(bundle) if rows is None else rows, timezone.now()
    ended = rows.give_up(failure_reason=reason, finished_at=now, expires_at=keep_until(now))
    if ended:
        if free or not archives().KEPT_FOR_RETRY:
            _free(bundle)
        Notice.objects.get_or_create(bundle=bundle, outcome=Notice.Outcome.FAILED)
    return bool(ended)


def postpone(bundle, reason, counts=True):
    """Let the leased bundle wait, or fail it after its last attempt; return whether it was still leased."""
    bundle.refresh_from_db(fields=["attempts"])  # Progress has set it back.
    if counts and bundle.is_last_attempt:
        return fail(bundle, f"{reason} (given up after {bundle.attempts} attempts)")
    attempts = bundle.attempts if counts else min(bundle.attempts, settings.MAX_ATTEMPTS - 1)
    return bundle.postpone(attempts=attempts, failure_reason=reason)


def give_up(bundles):
    """Fail the bundles whose every attempt ended with the death of its worker; return how many."""
    reason = f"The worker stopped in the middle of it, {settings.MAX_ATTEMPTS} times."
    failed = 0
    for bundle in list(bundles):
        # A worker that was only slow may have finished it meanwhile.
        unchanged = Bundle.objects.filter(status=bundle.status, lease_owner=bundle.lease_owner)
        failed += fail(bundle, reason, rows=unchanged.filter(pk=bundle.pk))
    return failed


@transaction.atomic
def cancel(bundle):
    """Stop an unfinished bundle and free its storage; return whether there was anything to stop."""
    unfinished = Bundle.objects.filter(pk=bundle.pk, status__in=Bundle.UNFINISHED)
    stopped = unfinished.release(status=Bundle.Status.CANCELLED, finished_at=timezone.now())
    if stopped:
        _free(bundle)
    return bool(stopped)


def expire(now):
    return sum(_expire(bundle, now) for bundle in Bundle.objects.expired(now))


@transaction.atomic
def retry(bundle):
    """Queue an ended bundle again with its photos, or raise RequestRefused; return whether it could be."""
    if Bundle.objects.filter(pk=bundle.pk, status__in=Bundle.RETRYABLE).exists():
        lock_account(bundle.owner_id)
        check_limits(bundle)
    if Bundle.objects.filter(pk=bundle.pk, status=Bundle.Status.PARTIAL).exists():
        # Laid out anew: what was missing may be there by now.
        _free(bundle)
    again = Bundle.objects.filter(pk=bundle.pk, status__in=Bundle.RETRYABLE).update(
        status=Bundle.Status.QUEUED,
        attempts=0,
        next_attempt_at=timezone.now(),
        failure_reason="",
        finished_at=None,
        expires_at=None,
    )
    if again:
        # Its next outcome is notified anew.
        Notice.objects.filter(bundle=bundle).delete()
    return bool(again)


def keep_longer(bundle):
    """Keep a finished bundle for the full time from now on; return whether it was still there."""
    now = timezone.now()
    kept = Bundle.objects.filter(pk=bundle.pk, status__in=Bundle.DOWNLOADABLE, expires_at__gt=now)
    return bool(kept.update(expires_at=keep_until(now)))


@transaction.atomic
def _expire(bundle, now):
    overdue = Bundle.objects.filter(pk=bundle.pk, expires_at__lte=now)
    expired = overdue.filter(status__in=Bundle.DOWNLOADABLE).update(status=Bundle.Status.EXPIRED)
    # A failed one stays failed, with nothing kept for a retry.
    expired += overdue.filter(status=Bundle.Status.FAILED).update(expires_at=None)
    if expired:
        _free(bundle)
    return expired


def _free(bundle):
    bundle.parts.all().delete()
    row = Bundle.objects.filter(pk=bundle.pk).exclude(status=Bundle.Status.EXPIRED)
    row.update(photos_done=0, bytes_done=0)
    remove_files(bundle.pk)


def remove_files(bundle_id):
    """Remove a bundle's archives when the transaction commits; what cannot be is left to check_storage."""
    transaction.on_commit(lambda: archives().clear(bundle_id), robust=True)
