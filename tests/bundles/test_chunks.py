"""An archive of many chunks: whatever their size, the bytes are the same, and none is made twice."""

import hashlib
from datetime import datetime

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from hypothesis import example, given
from hypothesis import strategies as st

from labels.bundles import building, chunks, lifecycle, sums
from labels.bundles.part_content import PartContent
from labels.models import Bundle, BundleChunk
from labels.models.bundle import bundle_files
from tests import factory
from tests.bundles import archives
from tests.conftest import stored
from tests.matrix import examples

pytestmark = pytest.mark.django_db

CHUNK = 1000


@pytest.fixture
def library(dan):
    """Six photos of some 2,000 to 9,000 bytes, oldest first: each lies in several chunks."""
    days = [datetime(2024, 5, day, 12) for day in range(1, 7)]
    return [
        factory.photo(
            dan, (40 * n, 0, 0), (300 + 150 * n, 200), f"{n}.jpg", exif=factory.taken(day), quality=95
        )
        for n, day in enumerate(days)
    ]


def _path(photo):
    return django_settings.DATA_DIR / "originals" / photo.original.name


def _change(photo, at=-10):
    content = bytearray(_path(photo).read_bytes())
    content[at] ^= 0xFF
    _path(photo).write_bytes(content)


@examples(4)
@given(chunk=st.integers(500, 40_000))
@example(chunk=1000)
@example(chunk=8192)
@example(chunk=10**9)
def test_chunks_of_any_size_make_the_same_archive_and_its_true_sha256(dan, library, settings, chunk):
    settings.BUNDLE_CHUNK_BYTES = chunk
    bundle = factory.held_bundle(dan)

    building.build(bundle)

    part = bundle.parts.get()
    assert sums.work_out(part) == hashlib.sha256(archives.content(part)).hexdigest()
    assert list(archives.photos(bundle).items()) == [(p.original_name, p.sha256) for p in library]


@pytest.fixture
def opened(before_open):
    """Return the list of originals in the order in which they were opened."""
    keys = []
    before_open(keys.append)
    return keys


def test_chunks_before_a_changed_photo_are_not_made_again(dan, library, settings, opened):
    settings.BUNDLE_CHUNK_BYTES = CHUNK
    bundle = factory.held_bundle(dan)
    _change(library[4])

    building.build(bundle)

    names = {photo.original.name: photo.original_name for photo in library}
    times = {name: [names[key] for key in opened].count(name) for name in names.values()}
    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.PARTIAL
    assert list(archives.photos(bundle)) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "5.jpg"]
    for photo in library[:3]:
        # Once for each chunk that it lies in: those of the first plan are kept.
        assert times[photo.original_name] <= photo.size // CHUNK + 2
    # The changed one's CRC-32 is known only when all of its chunks are done; it is not read again.
    assert times["4.jpg"] <= library[4].size // CHUNK + 2
    assert times["5.jpg"] >= 2 * (library[5].size // CHUNK)


HARM = {
    "deleted": lambda photo: _path(photo).unlink(),
    "truncated": lambda photo: _path(photo).write_bytes(_path(photo).read_bytes()[:-100]),
    "changed at its start": lambda photo: _change(photo, 0),
    "changed at its end": lambda photo: _change(photo, -1),
    "grown": lambda photo: _path(photo).write_bytes(_path(photo).read_bytes() + b"more"),
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM.keys())
@pytest.mark.parametrize("victims", [[0], [5], [1, 4]], ids=str)
def test_a_photo_that_lies_in_several_chunks_is_left_out_whatever_became_of_it(
    dan, library, settings, harm, victims
):
    settings.BUNDLE_CHUNK_BYTES = CHUNK
    bundle = factory.held_bundle(dan)
    for number in victims:
        harm(library[number])

    building.build(bundle)

    part = bundle.parts.get()
    bundle.refresh_from_db()
    rest = [photo for number, photo in enumerate(library) if number not in victims]
    assert archives.photos(bundle) == {photo.original_name: photo.sha256 for photo in rest}
    assert sums.work_out(part) == hashlib.sha256(archives.content(part)).hexdigest()
    assert (bundle.photos_done, bundle.bytes_done) == (len(rest), part.size)
    assert stored("bundles") == [part.file.name]


def test_a_build_that_was_stopped_goes_on_with_the_missing_chunks(dan, library, settings, before_open):
    settings.BUNDLE_CHUNK_BYTES = CHUNK
    bundle = factory.held_bundle(dan)
    before_open(_break_at(library[3]))
    with pytest.raises(PermissionError):
        building.build(bundle)
    made = set(BundleChunk.objects.filter(done=True).values_list("pk", flat=True))
    [file] = stored("bundles")
    Bundle.objects.update(next_attempt_at=timezone.now())
    opened = []
    before_open(opened.append)

    building.build(Bundle.objects.claim(bundle.pk, "another worker"))

    assert len(made) > 5
    assert stored("bundles") == [file]
    assert not {photo.original.name for photo in library[:2]} & set(opened)
    assert archives.photos(bundle) == {photo.original_name: photo.sha256 for photo in library}


def test_a_leader_that_lost_a_chunk_to_another_worker_goes_on_and_waits_for_that(
    dan, library, settings, before_open
):
    settings.BUNDLE_CHUNK_BYTES = CHUNK
    bundle = factory.held_bundle(dan)
    taken = []

    def take_over(key):
        if not taken:
            held = BundleChunk.objects.exclude(lease_owner="")
            taken.append(held.get().number)
            # Its new lease owner dies at once.
            held.update(lease_owner="another", lease_until=timezone.now())

    before_open(take_over)
    building.build(bundle)

    bundle.refresh_from_db()
    assert (bundle.status, taken) == (Bundle.Status.READY, [0])
    assert archives.photos(bundle) == {photo.original_name: photo.sha256 for photo in library}


def test_a_build_begins_anew_when_the_size_of_chunks_was_changed_meanwhile(
    dan, library, settings, before_open
):
    settings.BUNDLE_CHUNK_BYTES = CHUNK
    bundle = factory.held_bundle(dan)
    before_open(_break_at(library[3]))
    with pytest.raises(PermissionError):
        building.build(bundle)
    before_open(lambda key: None)
    size = bundle.parts.get().size
    # Another size that makes as many chunks.
    count = -(-size // CHUNK)
    settings.BUNDLE_CHUNK_BYTES = -(-size // count)
    assert settings.BUNDLE_CHUNK_BYTES != CHUNK
    Bundle.objects.update(next_attempt_at=timezone.now())
    _change(library[4])

    building.build(Bundle.objects.claim(bundle.pk, "another worker"))

    part = bundle.parts.get()
    assert sums.work_out(part) == hashlib.sha256(archives.content(part)).hexdigest()
    assert len(archives.photos(bundle)) == 5


def _break_at(photo):
    def break_down(key):
        if key == photo.original.name:
            raise PermissionError(13, "Permission denied")

    return break_down


def test_a_download_that_expires_while_it_is_read_is_read_to_its_end(dan, library):
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    part = bundle.parts.get()
    sha256 = sums.work_out(part)

    with bundle_files().open(part.file.name) as reader:
        begun = reader.read(1000)
        Bundle.objects.update(expires_at=timezone.now())
        assert lifecycle.expire(timezone.now()) == 1
        rest = reader.read()

    assert hashlib.sha256(begun + rest).hexdigest() == sha256


def test_a_joining_worker_in_the_middle_of_a_chunk_does_not_spoil_the_archive_that_was_planned_anew(
    dan, library, settings, before_open
):
    settings.BUNDLE_CHUNK_BYTES = CHUNK
    bundle = factory.held_bundle(dan)
    _path(library[4]).unlink()
    joining = {}

    def act(key):
        part = bundle.parts.get()
        if not joining:
            mine = part.chunks.select_related("part__bundle").claim_next("joining")
            joining.update(chunk=mine, content=PartContent(mine.part), file=part.file.name)
        elif part.file.name != joining["file"] and "ended" not in joining:
            joining["ended"] = True
            with pytest.raises(chunks.LeaseLost):
                chunks.make(joining["chunk"], joining["content"])

    before_open(act)
    building.build(bundle)

    assert (joining["chunk"].number, joining["ended"]) == (1, True)
    rest = [photo for number, photo in enumerate(library) if number != 4]
    assert archives.photos(bundle) == {photo.original_name: photo.sha256 for photo in rest}
