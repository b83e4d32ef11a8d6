"""Ask for a download: the row and the photos it shall hold, in one transaction."""

from datetime import UTC

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from labels.bundles.snapshot import take_snapshot
from labels.models import Bundle, BundlePhoto
from photomgr.claim import lease_duration

_TRIES = 5


class RequestRefused(Exception):
    """No download was made, for a reason that the message says to the person who asked."""


class NothingSelected(RequestRefused):
    """The selection holds no photo; nothing is built and no mail is sent."""


class LimitReached(RequestRefused):
    """The account has as many downloads, or as many bytes of them, as it may have."""


class AlreadyRequested(RequestRefused):
    """The very same archives are in the making or still kept: `bundle`."""

    def __init__(self, bundle):
        super().__init__("You have this download already; nothing in it has changed since.")
        self.bundle = bundle


def request_bundle(owner, selection, part_bytes=None, new_only=False, lease_owner=""):
    """Return a queued Bundle of the selection as it is now, or raise RequestRefused.

    With `lease_owner` it is born claimed, for a caller who builds it in its own process, and the limits
    of the account are not asked about.
    """
    part_bytes = part_bytes or settings.BUNDLE_PART_BYTES
    for left in reversed(range(_TRIES)):
        try:
            return _ask(owner, selection, part_bytes, new_only, lease_owner)
        except IntegrityError:
            # A photo was deleted after it was planned, which PostgreSQL finds when all is to be kept.
            if not left:
                raise


def _ask(owner, selection, part_bytes, new_only, lease_owner):
    with transaction.atomic():
        # Two requests of one person wait for each other, so that both cannot pass the same limit.
        lock_account(owner.pk)
        planned = take_snapshot(owner, selection, part_bytes, new_only)
        if not planned.photos:
            raise NothingSelected(_nothing(selection, new_only))
        bundle = Bundle(
            **_claimed(lease_owner),
            owner=owner,
            selection=selection.as_json(),
            selection_key=selection.key(),
            new_only=new_only,
            part_bytes=part_bytes,
            content_sha256=planned.content_sha256,
            photo_count=len(planned.photos),
            planned_bytes=planned.bytes,
        )
        if not lease_owner:
            _check_same(bundle)
            check_limits(bundle)
        bundle.save()
        _keep(_snapshot(bundle, planned))
    return bundle


def _nothing(selection, new_only):
    if new_only:
        return f"You have every photo of this selection already ({selection.words()})."
    return f"No photos match ({selection.words()}). Choose other labels."


def _check_same(bundle):
    same = Bundle.objects.kept_by(bundle.owner).filter(
        selection_key=bundle.selection_key,
        content_sha256=bundle.content_sha256,
        part_bytes=bundle.part_bytes,
    )
    # One that could not read all of its photos is worth another try.
    if found := same.exclude(status=Bundle.Status.PARTIAL).first():
        raise AlreadyRequested(found)


def lock_account(owner_id):
    get_user_model().objects.select_for_update(no_key=True).get(pk=owner_id)


def check_limits(bundle):
    """Raise LimitReached when one more bundle would be more than its owner may have; it is not counted yet."""
    kept = Bundle.objects.kept_by(bundle.owner)
    making = kept.filter(status__in=Bundle.UNFINISHED).count()
    if making >= settings.BUNDLES_AT_ONCE:
        raise LimitReached(
            f"You have {making} downloads in the making, and that is the most. "
            "Wait until one is ready, or cancel one."
        )
    total = bundle.planned_bytes + kept.aggregate(bytes=Sum("planned_bytes", default=0))["bytes"]
    if total > settings.BUNDLES_MAX_BYTES:
        raise LimitReached(
            f"With this one your downloads would take {filesizeformat(total)}; the limit is "
            f"{filesizeformat(settings.BUNDLES_MAX_BYTES)}. Choose fewer photos, or wait until older "
            "downloads expire."
        )


def _snapshot(bundle, planned):
    """Yield a row of BundlePhoto for each photo, its values in the order of _COLUMNS."""
    moment = connection.ops.adapt_datetimefield_value
    for position, photo in enumerate(planned.photos):
        yield (
            *(bundle.pk, position, photo.photo_id, photo.name, photo.storage_key),
            *(photo.size, photo.crc32, photo.sha256, moment(photo.modified.replace(tzinfo=UTC))),
            *(moment(photo.taken_at), photo.labels, ""),
        )


_COLUMNS = (
    *("bundle_id", "position", "photo_id", "name", "storage_key"),
    *("size", "crc32", "sha256", "modified"),
    *("taken_at", "labels", "missing_reason"),
)


def _keep(rows):
    """Insert the rows, which the person who asked waits for: bulk_create takes eight times as long."""
    quote = connection.ops.quote_name
    columns = ", ".join(map(quote, _COLUMNS))
    places = ", ".join(["%s"] * len(_COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {quote(BundlePhoto._meta.db_table)} ({columns}) VALUES ({places})",  # noqa: S608
            rows,
        )


def _claimed(lease_owner):
    if not lease_owner:
        return {}
    return {
        "status": Bundle.WORKING,
        "attempts": 1,
        "lease_owner": lease_owner,
        "lease_until": timezone.now() + lease_duration(),
    }
