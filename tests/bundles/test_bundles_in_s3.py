"""Downloads built into multipart uploads: whatever happens, the bytes are right and nothing is left over."""

import hashlib
import threading
from datetime import timedelta

import pytest
import urllib3
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from labels import tasks
from labels.bundles import building, lifecycle, s3_archive
from labels.models import Bundle, BundleChunk, Notice
from labels.models.bundle import bundle_files
from labels.models.photo import originals
from labels.storage import multipart
from labels.storage.multipart import MAX_PARTS, MIN_PART_BYTES, part_bytes
from photomgr import aws
from tests import factory
from tests.bundles import archives
from tests.conftest import read_file
from tests.fixtures_aws import BUNDLES, PHOTOS
from tests.matrix import first_in_gate
from tests.storage.s3_server import cut, error, hang_up

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def library(s3, dan, settings):
    """Seven photos of 2.4 MB, which make an archive of four chunks."""
    settings.BUNDLE_CHUNK_BYTES = MIN_PART_BYTES
    return [factory.photo(dan, (30 * n, 0, 0), (1000, 800), f"{n}.bmp", format="BMP") for n in range(7)]


def _left(keys):
    """Return what lies in the bucket: finished archives, and uploads that are not finished."""
    whole = [key for key in keys(BUNDLES) if key.startswith("bundles/")]
    return whole, sorted(f"bundles/{name}" for name, _, _ in multipart.list_uploads(bundle_files()))


def _file(bundle):
    return f"bundles/{bundle.parts.get().file.name}"


def _name(request):
    """Return the name of the archive that a request is about."""
    return request.path.partition("/bundles/")[2]


def _due(bundle):
    Bundle.objects.update(next_attempt_at=timezone.now())
    return Bundle.objects.claim(bundle.pk, "another worker")


def _sent(s3):
    """Return the numbers of the parts that were sent, in order of arrival."""
    return [int(a.query.partition("partNumber=")[2].partition("&")[0]) for a in s3.calls("PUT", "partNumber")]


def test_an_archive_is_sent_in_parts_and_seen_when_it_is_whole(s3, dan, library, keys):
    bundle = factory.held_bundle(dan)

    building.build(bundle)

    bundle.refresh_from_db()
    assert (bundle.status, bundle.photos_done) == (Bundle.Status.READY, 7)
    assert archives.photos(bundle) == {photo.original_name: photo.sha256 for photo in library}
    assert sorted(_sent(s3)) == [1, 2, 3, 4]
    assert _left(keys) == ([_file(bundle)], [])
    [begun] = s3.calls("POST", "?uploads")
    assert begun.headers["x-amz-server-side-encryption"] == "AES256"


def test_many_archives_of_one_download(s3, dan, library, keys):
    bundle = factory.held_bundle(dan, part_bytes=6_000_000)

    building.build(bundle)

    assert bundle.parts.count() == 4
    assert len(archives.photos(bundle)) == 7
    assert len(_left(keys)[0]) == 4


def test_no_more_connections_than_were_agreed_on(s3, dan, library):
    at_once, most, lock = [0], [0], threading.Lock()

    def count(request):
        def answer(moto, environ, start_response):
            with lock:
                at_once[0] += 1
                most[0] = max(most[0], at_once[0])
            try:
                return list(moto(environ, start_response))
            finally:
                with lock:
                    at_once[0] -= 1

        return answer

    bundle = factory.held_bundle(dan)
    s3.rule = count
    building.build(bundle)

    assert 1 < most[0] <= s3_archive.AT_ONCE + 6


# Photos that cannot be read ------------------------------------------------------------------------------


def _gone(s3, photo):
    originals().delete(photo.original.name)


def _replaced(content):
    def harm(s3, photo):
        key = f"originals/{photo.original.name}"
        aws.client("s3").put_object(
            Bucket=PHOTOS, Key=key, Body=content(read_file(photo.original.storage, photo.original.name))
        )

    return harm


def _denied(s3, photo):
    s3.rule = lambda request: error(403, "AccessDenied") if photo.original.name in request.path else None


def _archived(s3, photo):
    s3.rule = lambda request: (
        error(403, "InvalidObjectState") if photo.original.name in request.path else None
    )


HARM = {
    "gone": (_gone, "no longer in storage"),
    "changed": (_replaced(lambda old: old[:-1] + b"!"), "the content differs (CRC-32)"),
    "shorter": (_replaced(lambda old: old[:-5]), "bytes came"),
    "longer": (_replaced(lambda old: old + b"more"), "larger than it was"),
    "empty": (_replaced(lambda old: b""), "bytes came"),
    "denied": (_denied, "access to it is denied"),
    "archived": (_archived, "has to be restored first"),
}


@pytest.mark.parametrize("number", first_in_gate(4, 0))
@pytest.mark.parametrize(("harm", "reason"), HARM.values(), ids=HARM)
def test_a_photo_that_cannot_be_read_is_left_out_and_named(s3, dan, library, keys, harm, reason, number):
    bundle = factory.held_bundle(dan)
    harm(s3, library[number])

    building.build(bundle)

    bundle.refresh_from_db()
    [missing] = bundle.photos.exclude(missing_reason="")
    rest = [photo for photo in library if photo != library[number]]
    assert bundle.status == Bundle.Status.PARTIAL
    assert missing.name == f"{number}.bmp"
    assert reason in missing.missing_reason
    assert archives.photos(bundle) == {photo.original_name: photo.sha256 for photo in rest}
    assert (bundle.photos_done, bundle.bytes_done) == (6, bundle.parts.get().size)
    assert _left(keys) == ([_file(bundle)], [])


def test_parts_before_a_changed_photo_are_not_sent_again(s3, dan, library):
    bundle = factory.held_bundle(dan)
    _gone(s3, library[6])

    building.build(bundle)

    sent = _sent(s3)
    assert sent.count(1) == sent.count(2) == 1
    assert len(s3.calls("POST", "?uploads")) == 1


def test_nothing_to_read_at_all_fails_and_leaves_nothing(s3, dan, library, keys, commits):
    bundle = factory.held_bundle(dan)
    for photo in library:
        _gone(s3, photo)

    with commits():
        building.build(bundle)

    bundle.refresh_from_db()
    assert (bundle.status, bundle.failure_reason) == (
        Bundle.Status.FAILED,
        "None of the photos could be read from storage.",
    )
    assert _left(keys) == ([], [])


def test_a_connection_that_breaks_in_a_photo_costs_only_time(s3, dan, library):
    broken = set()

    def once(request):
        if request.is_photo and request.path not in broken:
            broken.add(request.path)
            return cut(after=1000)
        return None

    s3.rule = once
    bundle = factory.held_bundle(dan)

    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY
    assert len(broken) == 7
    assert len(archives.photos(bundle)) == 7


def test_a_connection_that_breaks_while_a_part_is_sent_costs_only_time(s3, dan, library, keys):
    broken = set()

    def once(request):
        if "partNumber" in request.query and request.query not in broken:
            broken.add(request.query)
            return hang_up()
        return None

    s3.rule = once
    bundle = factory.held_bundle(dan)

    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY
    assert len(broken) == 4
    assert len(archives.photos(bundle)) == 7
    assert _left(keys) == ([_file(bundle)], [])


def test_a_connection_that_breaks_whenever_parts_are_sent_is_waited_for(s3, dan, library, keys):
    s3.rule = lambda request: hang_up() if "partNumber" in request.query else None
    bundle = factory.held_bundle(dan)

    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.QUEUED
    assert "does not answer as it should" in bundle.failure_reason
    s3.reset()
    building.build(_due(bundle))
    assert len(archives.photos(bundle)) == 7
    assert s3.calls("POST", "?uploads") == []
    assert _left(keys) == ([_file(bundle)], [])


# The storage as a whole ----------------------------------------------------------------------------------

AWAY = {
    "photos' bucket gone": (lambda a: a.is_photo, 404, "NoSuchBucket", "bucket does not exist"),
    "archives' bucket gone": (lambda a: BUNDLES in a.path, 404, "NoSuchBucket", "bucket does not exist"),
    "credentials expired": (lambda a: a.is_photo, 400, "ExpiredToken", "have expired"),
    "wrong Region": (lambda a: a.is_photo, 400, "AuthorizationHeaderMalformed", "another Region"),
    "all denied": (lambda a: PHOTOS in a.path, 403, "AccessDenied", "access to the storage is denied"),
    "clock skew": (lambda a: a.method == "PUT", 403, "RequestTimeTooSkewed", "clock is wrong"),
    "uploads denied": (lambda a: _begins(a), 403, "AccessDenied", "access to the storage is denied"),
    "parts denied": (lambda a: _is_part(a), 403, "AccessDenied", "access to the storage is denied"),
    "expired at the end": (lambda a: _finishes(a), 400, "ExpiredToken", "have expired"),
    "too many parts": (lambda a: "partNumber=4" in a.query, 400, "InvalidArgument", "BUNDLE_CHUNK_BYTES"),
}


def _begins(request):
    return request.method == "POST" and "uploads" in request.query


def _is_part(request):
    return "partNumber" in request.query


def _finishes(request):
    return request.method == "POST" and "uploadId" in request.query


@pytest.mark.parametrize(
    ("which", "status", "code", "words"), first_in_gate(*AWAY.values(), ids=AWAY, count=5)
)
def test_a_storage_that_is_away_is_waited_for_and_no_photo_is_blamed(
    s3, dan, library, keys, settings, which, status, code, words
):
    bundle = factory.held_bundle(dan)
    for _ in range(settings.MAX_ATTEMPTS + 1):
        s3.rule = lambda request: error(status, code) if which(request) else None
        building.build(bundle)
        bundle.refresh_from_db()
        assert (bundle.status, words in bundle.failure_reason) == (Bundle.Status.QUEUED, True)
        assert bundle.next_attempt_at > timezone.now()
        bundle = _due(bundle)
    s3.rule = lambda request: None

    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY
    assert len(archives.photos(bundle)) == 7
    assert _left(keys) == ([_file(bundle)], [])


def test_a_build_that_was_interrupted_goes_on_with_the_parts_that_are_missing(s3, dan, library):
    bundle = factory.held_bundle(dan)
    s3.rule = lambda request: error(400, "ExpiredToken") if library[6].original.name in request.path else None
    building.build(bundle)
    made = BundleChunk.objects.filter(done=True).count()
    s3.reset()

    building.build(_due(bundle))

    assert made >= 2
    assert len(_sent(s3)) == 4 - made
    assert s3.calls("POST", "?uploads") == []
    assert len(archives.photos(bundle)) == 7


def test_the_chunks_of_a_build_that_stopped_are_free_at_once(s3, dan, library):
    bundle = factory.held_bundle(dan)
    s3.rule = lambda request: error(400, "ExpiredToken") if request.is_photo else None

    building.build(bundle)

    assert not BundleChunk.objects.exclude(lease_until=None).exists()


def test_an_upload_that_vanished_meanwhile_is_begun_anew(s3, dan, library, keys):
    bundle = factory.held_bundle(dan)
    s3.rule = lambda request: error(400, "ExpiredToken") if library[6].original.name in request.path else None
    building.build(bundle)
    s3.reset()
    # By the bucket's lifecycle rule.
    multipart.abort(bundle_files(), bundle.parts.get().file.name)

    building.build(_due(bundle))

    assert sorted(_sent(s3)) == [1, 2, 3, 4]
    assert len(archives.photos(bundle)) == 7
    assert _left(keys) == ([_file(bundle)], [])


def test_a_part_that_another_worker_sent_too_late_is_sent_again(s3, dan, library):
    bundle = factory.held_bundle(dan)
    late = []

    def overwrite(request):
        # Just before it is made whole, the parts are listed.
        if request.method == "GET" and "uploadId" in request.query and not late:
            late.append(request)
            multipart.upload_part(bundle_files(), _name(request), 2, bytes(MIN_PART_BYTES))
        return None

    s3.rule = overwrite
    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY
    assert len(archives.photos(bundle)) == 7
    assert _sent(s3).count(2) == 3
    assert bundle.photos_done == 7


def test_an_archive_whose_completion_was_not_heard_of_is_used_as_it_is(s3, dan, library, keys):
    bundle = factory.held_bundle(dan)

    def unheard(request):
        if (
            request.method == "POST"
            and "uploadId" in request.query
            and len(s3.calls("POST", "uploadId")) == 1
        ):

            def answer(moto, environ, start_response):
                list(moto(environ, lambda *ignored: None))
                environ["CONTENT_LENGTH"] = "0"
                return error(500, "InternalError")(moto, environ, start_response)

            return answer
        return None

    s3.rule = unheard
    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY
    assert len(archives.photos(bundle)) == 7
    assert _left(keys) == ([_file(bundle)], [])


def test_two_workers_that_finish_the_same_upload(s3, dan, library, keys):
    slow = factory.held_bundle(dan)

    def finish_elsewhere(request):
        if request.method == "GET" and "uploadId" in request.query:
            s3.rule = lambda request: None
            tags = multipart.list_parts(bundle_files(), _name(request))
            s3_archive.finish(_name(request), list(tags.values()))
        return None

    s3.rule = finish_elsewhere
    building.build(slow)

    assert Bundle.objects.get().status == Bundle.Status.READY
    assert len(archives.photos(slow)) == 7
    assert Notice.objects.count() == 1
    assert _left(keys) == ([_file(slow)], [])


@pytest.mark.django_db(transaction=True)
def test_a_download_that_is_cancelled_in_the_middle_leaves_nothing(s3, dan, library, keys):
    bundle = factory.held_bundle(dan)

    def cancel(request):
        if "partNumber=2" in request.query:
            s3.rule = lambda request: None
            lifecycle.cancel(bundle)
            connection.close()
        return None

    s3.rule = cancel
    building.build(bundle)

    assert Bundle.objects.get().status == Bundle.Status.CANCELLED
    assert _left(keys) == ([], [])


def test_a_download_that_failed_leaves_no_upload(s3, dan, library, keys, settings, commits):
    bundle = factory.held_bundle(dan)
    s3.rule = lambda request: error(400, "ExpiredToken") if library[6].original.name in request.path else None
    building.build(bundle)
    assert len(_left(keys)[1]) == 1
    s3.reset()
    Bundle.objects.update(attempts=settings.MAX_ATTEMPTS, next_attempt_at=timezone.now())

    with commits():
        assert lifecycle.give_up(Bundle.objects.worn_out(timezone.now())) == 1

    assert _left(keys) == ([], [])


# Fetching it ---------------------------------------------------------------------------------------------


@pytest.fixture
def ready(dan, library):
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    return Bundle.objects.get()


def test_the_link_is_signed_at_the_click(s3, client, ready):
    part = ready.parts.get()

    answer = client.get(part.get_absolute_url())

    fetched = urllib3.request("GET", answer["Location"])
    assert answer.status_code == 302
    assert len(fetched.data) == part.size
    assert fetched.headers["Content-Disposition"] == f'attachment; filename="{part.file_name}"'
    assert fetched.headers["Content-Type"] == "application/zip"
    assert "X-Amz-Expires=300" in answer["Location"]
    assert answer["Cache-Control"] == "no-store"


def test_the_link_is_for_nobody_else_and_not_for_ever(client, ready, eve):
    url = ready.parts.get().get_absolute_url()
    Bundle.objects.update(expires_at=timezone.now())
    assert client.get(url)["Location"] == ready.get_absolute_url()

    client.force_login(eve)
    assert client.get(url).status_code == 404


def test_an_archive_that_the_bucket_removed_leads_to_a_page_of_ours(client, ready):
    s3_archive.remove(ready.parts.get().file.name)

    answer = client.get(ready.parts.get().get_absolute_url())

    assert answer["Location"] == reverse("bundle", args=[ready.pk])


def test_its_sha256_follows(ready):
    tasks.add_sum(ready.parts.get().pk)

    part = ready.parts.get()
    assert part.sha256 == hashlib.sha256(archives.content(part)).hexdigest()


def test_what_is_past_its_time_is_removed_from_the_bucket(ready, keys, commits):
    with commits():
        assert lifecycle.expire(timezone.now() + timedelta(days=2)) == 1

    assert _left(keys) == ([], [])


# The limits of S3 ----------------------------------------------------------------------------------------

GIB = 1024**3


@pytest.mark.parametrize(
    ("size", "wanted", "expected"),
    [
        (1, 1, MIN_PART_BYTES),
        (1, 8 << 20, 8 << 20),
        (10_000 * (8 << 20), 8 << 20, 8 << 20),
        (10_000 * (8 << 20) + 1, 8 << 20, 9 << 20),
        (100 * GIB, 5 << 20, 11 << 20),
        (5 * 1024 * GIB, 8 << 20, 525 << 20),
    ],
)
def test_the_size_of_parts(size, wanted, expected):
    assert part_bytes(size, wanted) == expected


@given(st.integers(1, 5 * 1024 * GIB), st.integers(1, GIB))
def test_never_more_parts_than_s3_takes_nor_smaller_ones(size, wanted):
    step = part_bytes(size, wanted)

    assert -(-size // step) <= MAX_PARTS
    assert step >= max(MIN_PART_BYTES, wanted)
