"""Every list makes as many queries for twelve rows as for two."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from labels.bundles import building
from labels.models import (
    DetectionRun,
    Notice,
    Phone,
    PhoneCode,
    Photo,
    SmsCount,
)
from labels.rules import engine
from photomgr.claim import lease_duration
from tests import factory

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    return client


def _grow(dan, number):
    """Add one row to every list, each with related rows of its own."""
    person = factory.user(f"person{number}")
    for owner in (dan, person):
        photo = factory.photo(owner, (5 * number, 0, 0), size=(30 + number, 30), name=f"{number}.jpg")
        _label(photo, owner, number)
        bundle = factory.held_bundle(owner)
        building.build(bundle)
        bundle.notices.get().deliveries.create(channel="sms", target="+44…23")
        PhoneCode.objects.create(owner=owner, created_at=timezone.now())
    today = timezone.localdate()
    Phone.objects.create(owner=person, number=f"+44770090{number:04}", verified_at=timezone.now())
    SmsCount.objects.create(day=today, owner=person)
    failed = factory.photo(dan, (0, 5 * number, 0), size=(30 + number, 20))
    Photo.objects.filter(pk=failed.pk).update(status="failed", failure_code=f"code{number}")
    factory.worker_seen("labels", f"machine{number}")
    # Seen, because the frame shows the first few of the unseen on every page.
    Notice.objects.update(seen_at=timezone.now())


def _label(photo, owner, number):
    run = DetectionRun.objects.create(
        photo=photo, content_sha256=photo.sha256, detector=f"d{number}-{owner}", version="1", response="{}"
    )
    names = [("Lake", ()), (f"Label {number}", (f"Parent {number}", "Water"))]
    decisions = [engine.Decision(name, 90, engine.ACTIVE, parents) for name, parents in names]
    Photo.objects.filter(pk=photo.pk).update(
        status=Photo.WORKING, lease_owner="test", lease_until=timezone.now() + lease_duration()
    )
    photo.refresh_from_db()
    assert factory.record(photo, decisions, run)


def _queries(client, url, **headers):
    # Requested once before: a library that has not changed is not read again.
    client.get(url, headers=headers)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(url, headers=headers)
    assert answer.status_code == 200, url
    return [query["sql"] for query in queries]


PAGES = {
    "photos": "/",
    "photos of a selection": "/?label=Lake&none=Boat",
    "labels": "/labels/",
    "labels with ticks": "/labels/?label=Lake&label=Label+1&none=Boat",
    "labels by parent": "/labels/?group=parent&label=Lake",
    "labels with all": "/labels/?match=all&label=Lake",
    "downloads": "/bundles/",
    "status": "/status/",
    "rules": "/rules/",
}


def test_lists_make_as_many_queries_for_twelve_rows_as_for_two(staff, dan):
    urls = {
        **PAGES,
        **{
            f"admin of {model.__name__}": reverse(f"admin:labels_{model._meta.model_name}_changelist")
            for model in admin.site._registry
            if model._meta.app_label == "labels"
        },
    }
    for number in range(1, 3):
        _grow(dan, number)
    few = {name: _queries(staff, url) for name, url in urls.items()}

    for number in range(3, 13):
        _grow(dan, number)
    many = {name: _queries(staff, url) for name, url in urls.items()}

    assert len(urls) > 15
    worse = {name: (len(few[name]), len(many[name])) for name in urls if len(many[name]) > len(few[name])}
    assert worse == {}


def test_one_photo_with_many_labels_makes_as_many_queries_as_one_with_few(client, dan):
    few, many = factory.many_photos(dan, 2)
    factory.give_labels(few, "Lake", "Sky")
    factory.give_labels(many, *(f"Label {number}" for number in range(12)))
    client.get(few.get_absolute_url())

    few, many = (len(_queries(client, photo.get_absolute_url())) for photo in (few, many))

    # The first and the last photo have one neighbour each.
    assert few == many


def test_one_download_with_many_parts_makes_as_many_queries_as_one_with_few(client, dan):
    factory.photo(dan)
    few = factory.held_bundle(dan, part_bytes=1)
    for number in range(11):
        factory.photo(dan, size=(30 + number, 30))
    many = factory.held_bundle(dan, part_bytes=1)
    for bundle in (few, many):
        building.build(bundle)
        client.get(bundle.get_absolute_url())

    few, many = (len(_queries(client, bundle.get_absolute_url())) for bundle in (few, many))

    assert few == many


# Of every page: who is it (two queries); with a frame also the badge and the notices.
ACCOUNT, FRAME = 2, 2


def test_the_tag_list_and_its_plan_take_seven_queries(client, dan):
    url = "/labels/?label=Lake&label=Sky&none=Boat"
    for photo in factory.many_photos(dan, 3):
        factory.give_labels(photo, "Lake", "Sky")

    with CaptureQueriesContext(connection) as changed:
        client.get(url, headers={"HX-Request": "true"})
    by_htmx = _queries(client, url, **{"HX-Request": "true"})
    whole = _queries(client, url)

    assert len(changed) == ACCOUNT + 7
    assert len(by_htmx) == ACCOUNT + 6
    # One more asks whether anything waits.
    assert len(whole) == ACCOUNT + FRAME + 8
    assert len(_queries(client, f"{url}&group=parent")) == len(whole) + 1
