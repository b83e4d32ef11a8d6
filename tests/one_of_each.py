"""At least one row of every model of `labels`."""

from django.utils import timezone

from labels.bundles import building
from labels.models import (
    BundleChunk,
    BundlePart,
    Change,
    Delivery,
    DirectUpload,
    LabelAlias,
    Notice,
    Phone,
    PhoneCode,
    Photo,
    Renaming,
    ReplacedVerdict,
    Residency,
    RuleRun,
    SavedSelection,
    Share,
    SmsCount,
    Spending,
    SweepFailure,
    Verdict,
)
from labels.selection.predicate import Selection
from tests import factory
from tests.factory import BLUE, MAGENTA


def make_rows(eve, commits):
    """Make them for eve: a photo with labels, a download that is ready, and what hangs on both."""
    with commits():
        factory.photo(eve, BLUE, name="sea.jpg")
        factory.photo(eve, MAGENTA, name="odd.jpg")
    building.build(factory.held_bundle(eve))
    # Chunks are gone when their archive is whole; this one is of a build that goes on.
    BundleChunk.objects.create(part=BundlePart.objects.get(), number=1, start=0, end=1)
    Share.objects.create(bundle=BundlePart.objects.get().bundle, nonce="hers", expires_at=timezone.now())
    DirectUpload.objects.create(owner=eve, key="hers", name="hers.jpg", size=1)
    SavedSelection.objects.create(
        owner=eve, name="The sea", selection=Selection(any=("Blue",)).as_json(), part_bytes=1
    )
    colour, sea = factory.label("Blue"), factory.label("Sea")
    LabelAlias.objects.create(label=colour, name="Azure", key="azure")
    change = Change.objects.create(owner=eve, actor=eve, action="rename", label=colour, target=sea)
    Renaming.objects.create(owner=eve, label=colour, target=sea)
    photo = Photo.objects.get(original_name="sea.jpg")
    Verdict.objects.create(photo=photo, label=sea, is_there=True, by=eve, at=timezone.now(), change=change)
    ReplacedVerdict.objects.create(change=change, photo=photo, is_there=True, at=timezone.now())
    RuleRun.objects.create()
    Phone.objects.create(owner=eve, number="+447700900123", verified_at=timezone.now())
    PhoneCode.objects.create(owner=eve, number="+447700900124", created_at=timezone.now())
    Delivery.objects.all().delete()
    Notice.objects.first().deliveries.create(channel="sms", target="+44…23")
    SmsCount.objects.create(day=timezone.localdate(), owner=eve, sent=1)
    factory.worker_seen("labels")
    Residency.objects.create(owner=eve, group="eu")
    Spending.objects.create(day=timezone.localdate(), calls=2, micros=2000)
    SweepFailure.objects.create(step="bundles_expired", error="OSError: no space left")
