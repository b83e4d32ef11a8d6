"""Request a download: the row, and the photos it holds as they are now.

Listing a hundred thousand photos takes seconds, and SQLite has one writer at a time. So they are listed
without a lock and staged in a temporary table; the transaction that writes only checks that they are still
as they were, and copies them.
"""

from contextlib import contextmanager, suppress
from datetime import UTC
from operator import attrgetter

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from labels.bundles.snapshot import take_snapshot
from labels.models import Bundle, BundlePhoto, LibraryVersion, Photo, PhotoSummary
from labels.selection import predicate
from photomgr.claim import lease_duration

_STAGED = "requested_bundle_photos"
_COPIED = ("photo_id", "name", "storage_key", "size", "crc32", "sha256", "labels")
_COLUMNS = ", ".join((*_COPIED, "position", "modified", "taken_at", "missing_reason"))


class RequestRefused(Exception):
    """No download was made, for a reason that the message gives to the person who requested it."""


class AlreadyRequested(RequestRefused):
    def __init__(self, bundle):
        super().__init__("You have this download already; nothing in it has changed since.")
        self.bundle = bundle


class _PhotosChanged(Exception):
    pass


def request_bundle(owner, selection, part_bytes=None, new_only=False, lease_owner=""):
    """Return a queued Bundle of the selection as it is now, or raise RequestRefused.

    With `lease_owner` it is created claimed, for a caller who builds it at once, and limits do not count.
    """
    request = owner, selection, part_bytes or settings.BUNDLE_PART_BYTES, new_only, lease_owner
    for _ in range(3):
        # PostgreSQL finds a photo that was deleted just now by its foreign key.
        with suppress(_PhotosChanged, IntegrityError):
            return _request(*request, is_locked=False)
    # All of the library is being changed: let the others wait.
    with transaction.atomic():
        lock_account(owner.pk)
        # On PostgreSQL the account's lock keeps nobody from deleting one of its photos.
        Photo.objects.filter(owner=owner).lock()
        return _request(*request, is_locked=True)


def _request(owner, selection, part_bytes, new_only, lease_owner, is_locked):
    with _one_state():
        version, summaries = _library_version(owner), set(_summaries(owner, selection))
        snapshot = take_snapshot(owner, selection, part_bytes, new_only)
    if not snapshot.photos and new_only:
        raise RequestRefused(f"You have every photo of this selection already ({selection.words()}).")
    if not snapshot.photos:
        raise RequestRefused(f"No photos match ({selection.words()}). Choose other labels.")
    bundle = Bundle(
        owner=owner,
        selection=selection.as_json(),
        selection_key=selection.key(),
        new_only=new_only,
        part_bytes=part_bytes,
        content_sha256=snapshot.content_sha256,
        photo_count=len(snapshot.photos),
        planned_bytes=snapshot.bytes,
    )
    if lease_owner:
        bundle.status, bundle.attempts, bundle.lease_owner = Bundle.WORKING, 1, lease_owner
        bundle.lease_until = timezone.now() + lease_duration()
    with _staged(snapshot), transaction.atomic():
        # Two requests of one person wait for each other, so that both cannot pass the same limit.
        lock_account(owner.pk)
        if not is_locked and version != _library_version(owner) and not summaries <= set(_summaries(owner)):
            raise _PhotosChanged
        if not lease_owner:
            _check_same(bundle)
            check_limits(bundle)
        bundle.save()
        _copy_staged(bundle)
    return bundle


@contextmanager
def _one_state():
    """Have all queries see one state of the database, without a lock that others wait for."""
    if connection.in_atomic_block:
        yield
        return
    mode = "ISOLATION LEVEL REPEATABLE READ READ ONLY" if connection.vendor == "postgresql" else "DEFERRED"
    # Not by atomic(), which on SQLite begins by taking the lock of the one who writes.
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN {mode}")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _library_version(owner):
    return LibraryVersion.objects.filter(owner=owner).values_list("token", flat=True).first()


def _summaries(owner, selection=None):
    """Return (photo id, facts, ids of its labels) of the photos of a selection, or of all."""
    rows = PhotoSummary.objects.filter(owner=owner)
    if selection:
        rows = rows.filter(photo__in=predicate.photos(owner, selection).values("pk"))
    return rows.values_list("photo_id", "facts", "labels")


def lock_account(owner_id):
    get_user_model().objects.select_for_update(no_key=True).get(pk=owner_id)


def _check_same(bundle):
    same = Bundle.objects.kept_by(bundle.owner).filter(
        selection_key=bundle.selection_key,
        content_sha256=bundle.content_sha256,
        part_bytes=bundle.part_bytes,
    )
    # One that could not read all of its photos is worth another try.
    if found := same.exclude(status=Bundle.Status.PARTIAL).first():
        raise AlreadyRequested(found)


def check_limits(bundle):
    """Raise RequestRefused when one more bundle is more than its owner may have; it is not counted yet."""
    kept = Bundle.objects.kept_by(bundle.owner)
    making = kept.filter(status__in=Bundle.UNFINISHED).count()
    if making >= settings.BUNDLES_AT_ONCE:
        raise RequestRefused(
            f"You have {making} downloads in the making, and that is the most. "
            "Wait until one is ready, or cancel one."
        )
    total = bundle.planned_bytes + kept.aggregate(bytes=Sum("planned_bytes", default=0))["bytes"]
    if total > settings.BUNDLES_MAX_BYTES:
        raise RequestRefused(
            f"With this one your downloads would take {filesizeformat(total)}; the limit is "
            f"{filesizeformat(settings.BUNDLES_MAX_BYTES)}. Choose fewer photos, or wait until older "
            "downloads expire."
        )


@contextmanager
def _staged(snapshot):
    """Write the rows of a snapshot into a temporary table; bulk_create takes eight times as long."""
    like = f"SELECT {_COLUMNS} FROM {BundlePhoto._meta.db_table} WHERE 1 = 0"  # noqa: S608 (names of ours)
    places = ", ".join(["%s"] * (_COLUMNS.count(",") + 1))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {_STAGED} AS {like}")
        try:
            insert = f"INSERT INTO {_STAGED} ({_COLUMNS}) VALUES ({places})"  # noqa: S608 (names of ours)
            cursor.executemany(insert, _rows(snapshot))
            yield
        finally:
            cursor.execute(f"DROP TABLE {_STAGED}")


def _rows(snapshot):
    copied, moment = attrgetter(*_COPIED), connection.ops.adapt_datetimefield_value
    for position, photo in enumerate(snapshot.photos):
        modified = photo.modified.replace(tzinfo=UTC)
        yield *copied(photo), position, moment(modified), moment(photo.taken_at), ""


def _copy_staged(bundle):
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {BundlePhoto._meta.db_table} (bundle_id, {_COLUMNS})"  # noqa: S608 (names of ours)
            f" SELECT %s, {_COLUMNS} FROM {_STAGED}",
            [bundle.pk],
        )
