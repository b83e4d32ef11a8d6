"""Requesting a download: the same twice, too many, too much, only what is new."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from labels.bundles import building, lifecycle
from labels.bundles.request import AlreadyRequested, RequestRefused, request_bundle
from labels.labelling import record
from labels.models import Bundle, PhotoLabel
from labels.selection.predicate import Selection
from tests import factory
from tests.bundles import archives
from tests.bundles.planned import planned

pytestmark = pytest.mark.django_db

EVERYTHING = Selection(everything=True)
LAKE = Selection(any=("Lake",))


@pytest.fixture
def library(dan):
    photos = [factory.photo(dan, (60 * n, 0, 0), (200 + n, 150), f"{n}.jpg") for n in range(4)]
    for photo in photos[:2]:
        factory.give_labels(photo, "Lake")
    return photos


def _delivered(owner, selection, new_only=False):
    """Return the names in the archives of a selection, built to the end."""
    bundle = request_bundle(owner, selection, new_only=new_only, lease_owner="a worker")
    building.build(bundle)
    bundle.refresh_from_db()
    return list(archives.photos(bundle))


@pytest.mark.parametrize(
    "same",
    [
        LAKE,
        Selection(any=("lake",)),
        Selection(all=("LAKE",)),
    ],
    ids=["as before", "written otherwise", "all of one"],
)
def test_the_same_request_again_leads_to_the_download_that_is_there(dan, library, same):
    first = request_bundle(dan, LAKE)

    with pytest.raises(AlreadyRequested, match="You have this download already") as there:
        request_bundle(dan, same)

    assert there.value.bundle == first
    assert Bundle.objects.count() == 1


def test_a_download_that_would_hold_something_else_is_another_one(dan, eve, library):
    request_bundle(dan, LAKE)
    factory.give_labels(library[2], "Lake")

    other_photos = request_bundle(dan, LAKE)
    other_parts = request_bundle(dan, LAKE, part_bytes=1)

    assert Bundle.objects.count() == 3
    assert other_photos.photo_count == other_parts.photo_count == 3


def test_a_changed_label_is_another_manifest_and_so_another_download(dan, library):
    request_bundle(dan, LAKE)
    factory.give_labels(library[0], "Mountain")

    request_bundle(dan, LAKE)

    assert Bundle.objects.count() == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"status": Bundle.Status.FAILED},
        {"status": Bundle.Status.CANCELLED},
        {"status": Bundle.Status.EXPIRED},
        {"status": Bundle.Status.PARTIAL, "expires_at": timezone.now() + timedelta(hours=1)},
        {"status": Bundle.Status.READY, "expires_at": timezone.now() - timedelta(seconds=1)},
    ],
    ids=["failed", "cancelled", "expired", "partial", "past its time, not swept yet"],
)
def test_what_cannot_be_fetched_whole_any_more_is_built_again(dan, library, fields):
    request_bundle(dan, LAKE)
    Bundle.objects.update(**fields)

    request_bundle(dan, LAKE)

    assert Bundle.objects.count() == 2


def test_another_persons_download_is_never_offered(dan, eve, library):
    request_bundle(dan, EVERYTHING)
    for number in range(4):
        factory.photo(eve, (60 * number, 0, 0), (200 + number, 150), f"{number}.jpg")

    mine = request_bundle(eve, EVERYTHING)

    assert mine.owner == eve


def test_an_account_has_only_so_many_downloads_in_the_making(dan, eve, library, settings):
    settings.BUNDLES_AT_ONCE = 2
    request_bundle(dan, LAKE)
    request_bundle(dan, LAKE, part_bytes=1)

    with pytest.raises(RequestRefused, match="You have 2 downloads in the making, and that is the most"):
        request_bundle(dan, EVERYTHING)

    Bundle.objects.filter(part_bytes=1).update(status=Bundle.Status.CANCELLED)
    request_bundle(dan, EVERYTHING)
    factory.photo(eve)
    request_bundle(eve, EVERYTHING)


def test_an_accounts_downloads_take_only_so_much_room(dan, library, settings):
    first = request_bundle(dan, LAKE)
    settings.BUNDLES_MAX_BYTES = first.planned_bytes + 10

    with pytest.raises(RequestRefused, match="With this one your downloads would take .* the limit is"):
        request_bundle(dan, EVERYTHING)

    assert Bundle.objects.count() == 1


def test_only_new_photos_are_those_no_earlier_download_of_the_selection_delivered(dan, library):
    assert _delivered(dan, LAKE) == ["0.jpg", "1.jpg"]
    factory.give_labels(library[3], "Lake")

    assert _delivered(dan, LAKE, new_only=True) == ["3.jpg"]
    assert _delivered(dan, LAKE) == ["0.jpg", "1.jpg", "3.jpg"]
    with pytest.raises(RequestRefused, match="You have every photo of this selection already"):
        request_bundle(dan, LAKE, new_only=True)


def test_a_download_of_another_selection_does_not_make_its_photos_old(dan, library):
    _delivered(dan, LAKE)

    assert _delivered(dan, EVERYTHING, new_only=True) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]


def test_what_was_missing_or_never_finished_is_still_new(dan, library):
    request_bundle(dan, LAKE)
    Bundle.objects.update(status=Bundle.Status.FAILED)
    library[0].original.storage.delete(library[0].original.name)

    assert _delivered(dan, LAKE, new_only=True) == ["1.jpg"]

    plan = planned(dan, LAKE, 10**9, new_only=True)
    assert [photo.name for photo in plan.photos] == ["0.jpg"]


def test_a_deleted_photo_of_an_earlier_download_hides_no_new_one(dan, library):
    _delivered(dan, LAKE)
    record.forget(library[0])
    library[0].delete()
    factory.give_labels(library[2], "Lake")

    assert _delivered(dan, LAKE, new_only=True) == ["2.jpg"]


def test_a_finished_download_can_be_kept_longer_and_an_ended_one_cannot(dan, library, settings):
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    soon = timezone.now() + timedelta(minutes=5)
    Bundle.objects.update(expires_at=soon)

    assert lifecycle.keep_longer(bundle)

    bundle.refresh_from_db()
    assert bundle.expires_at > soon + timedelta(hours=settings.BUNDLE_KEEP_HOURS - 1)
    Bundle.objects.update(expires_at=timezone.now())
    assert not lifecycle.keep_longer(bundle)


def test_an_expired_download_is_built_again_from_what_was_requested(dan, library):
    bundle = factory.held_bundle(dan, LAKE)
    building.build(bundle)
    first = [archives.content(part) for part in bundle.parts.all()]
    Bundle.objects.update(expires_at=timezone.now())
    lifecycle.expire(timezone.now())
    PhotoLabel.objects.all().delete()

    assert lifecycle.retry(bundle)
    claimed = Bundle.objects.claim(bundle.pk, "a worker")
    building.build(claimed)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY
    assert [archives.content(part) for part in bundle.parts.all()] == first


def test_keeping_a_download_longer_is_one_click(client, dan, library):
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    soon = timezone.now() + timedelta(minutes=5)
    Bundle.objects.update(expires_at=soon)
    url = reverse("bundle_keep", args=[bundle.pk])

    client.post(url)

    assert Bundle.objects.get().expires_at > soon
    Bundle.objects.update(expires_at=timezone.now())
    assert "no longer kept" in client.post(url, follow=True).content.decode()


def test_requesting_twice_on_the_page_leads_to_the_first_with_a_sentence(client, dan, library):
    fields = {"label": "Lake"}
    first = client.post(reverse("bundle_create"), fields)

    second = client.post(reverse("bundle_create"), fields, follow=True)

    assert second.redirect_chain[0][0] == first.url
    assert "You have this download already" in second.content.decode()


def test_trying_again_is_within_the_same_limits(client, dan, library, settings):
    settings.BUNDLES_AT_ONCE = 1
    cancelled = request_bundle(dan, LAKE)
    lifecycle.cancel(cancelled)
    request_bundle(dan, EVERYTHING)

    with pytest.raises(RequestRefused, match="You have 1 downloads in the making"):
        lifecycle.retry(cancelled)
    page = client.post(reverse("bundle_retry", args=[cancelled.pk]), follow=True).content.decode()

    assert "You have 1 downloads in the making" in page
    cancelled.refresh_from_db()
    assert cancelled.status == Bundle.Status.CANCELLED
