"""Request a download: the row, and which photos it holds, chosen at this moment.

Their names and labels are written down by the worker that builds it (labels.bundles.listing): for a million
photos that takes a minute, in which nobody waits.
"""

import hashlib

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from labels.bundles.totals import chosen_slots, totals
from labels.models import Bundle, BundleContent, LibraryVersion
from labels.selection.library import library
from labels.selection.predicate import Overview
from photomgr.claim import lease_duration


class RequestRefused(Exception):
    """No download was made, for a reason that the message gives to the person who requested it."""


class AlreadyRequested(RequestRefused):
    def __init__(self, bundle):
        super().__init__("You have this download already; nothing in it has changed since.")
        self.bundle = bundle


def request_bundle(owner, selection, part_bytes=None, new_only=False, lease_owner=""):
    """Return a queued Bundle of the selection as it is now, or raise RequestRefused.

    With `lease_owner` it is created claimed, for a caller who builds it at once, and limits do not count.
    """
    bundle = Bundle(
        owner=owner,
        selection=selection.as_json(),
        selection_key=selection.key(),
        new_only=new_only,
        part_bytes=part_bytes or settings.BUNDLE_PART_BYTES,
    )
    if lease_owner:
        bundle.status, bundle.attempts, bundle.lease_owner = Bundle.WORKING, 1, lease_owner
        bundle.lease_until = timezone.now() + lease_duration()
    # Into memory before others have to wait; below only what changes meanwhile is read.
    library(owner.pk)
    with transaction.atomic():
        # Two requests of one person wait for each other, so that both cannot pass the same limit.
        lock_account(owner.pk)
        # Whoever deletes one of the photos either comes first, or finds the bundle (listing.keep).
        list(LibraryVersion.objects.filter(owner=owner).select_for_update())
        ids = _choose(bundle, selection)
        if not lease_owner:
            _check_same(bundle)
            check_limits(bundle)
        bundle.save()
        BundleContent.objects.create(bundle=bundle, photo_ids=ids)
    return bundle


def _choose(bundle, selection):
    """Fill in what the bundle will hold; return the bytes of its photos' ids."""
    overview = Overview(bundle.owner, selection)
    slots = chosen_slots(overview, bundle.new_only)
    if not len(slots) and bundle.new_only:
        raise RequestRefused(f"You have every photo of this selection already ({selection.words()}).")
    if not len(slots):
        raise RequestRefused(f"No photos match ({selection.words()}). Choose other labels.")
    plan, photos = totals(overview, bundle.part_bytes, bundle.new_only), overview.library.facts
    ids = photos.photo_id[slots].astype("<i8").tobytes()
    # A photo's version is new whenever something about it is that a manifest says.
    bundle.content_sha256 = hashlib.sha256(ids + photos.version[slots].astype("<i8").tobytes()).hexdigest()
    bundle.photo_count, bundle.planned_bytes = plan.photos, plan.bytes
    return ids


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
