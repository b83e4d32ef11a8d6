"""THE promise: the number beside the checkbox, the grid, the plan and the zip are one number."""

import hashlib
import io
import zipfile

import pytest
from django.db import transaction
from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from hypothesis import given
from hypothesis import strategies as st

from labels.bundles import building
from labels.bundles.request import request_bundle
from labels.models import Photo
from labels.models.bundle import bundle_files
from labels.selection.predicate import ALL, ANY, Selection
from tests import factory
from tests.matrix import examples

pytestmark = pytest.mark.django_db

LABELS = ["Lake", "Mountain", "Sky", "Person"]


@pytest.fixture
def library(dan, eve):
    """Ten photos of dan with files and labels in many mixtures, and one of eve with all of them."""
    for number in range(10):
        photo = factory.photo(dan, (10 * number, 0, 0), size=(40 + number, 30), name=f"IMG_{number % 4}.jpg")
        factory.give_labels(photo, *(name for bit, name in enumerate(LABELS) if number & 1 << bit))
    factory.give_labels(factory.photo(eve, size=(20, 20)), *LABELS)
    return {photo.sha256 for photo in Photo.objects.filter(owner=dan)}


def _fields(ticked, excluded, match):
    return [("match", match), *(("label", n) for n in ticked), *(("none", n) for n in excluded)]


def _grid(client, fields):
    """Return the ids of the photos in the grid."""
    page = client.get(f"{reverse('photos')}?{urlencode(fields)}")
    return [card["photo"].pk for month in page.context["months"] for card in month["photos"]]


@examples(15)
@given(
    ticked=st.lists(st.sampled_from(LABELS), unique=True, max_size=3),
    one_more=st.sampled_from(LABELS),
    excluded=st.lists(st.sampled_from(LABELS), unique=True, max_size=2),
    match=st.sampled_from([ANY, ALL]),
    part_bytes=st.sampled_from([1, 1500, 4000, 10**9]),
)
def test_the_number_beside_the_box_is_the_number_of_files_in_the_zip(
    client, dan, library, ticked, one_more, excluded, match, part_bytes
):
    ticked = [name for name in ticked if name not in excluded]
    if one_more in ticked or one_more in excluded:
        return
    before = client.get(f"{reverse('labels')}?{urlencode(_fields(ticked, excluded, match))}")
    promised = next(row["count"] for row in before.context["rows"] if row["name"] == one_more)

    with transaction.atomic():
        fields = _fields([*ticked, one_more], excluded, match)
        after = client.get(f"{reverse('labels')}?{urlencode(fields)}")
        shown = _grid(client, fields)
        files, size = [], 0
        if promised:
            chosen = Selection.from_query(QueryDict(urlencode(fields)))
            bundle = request_bundle(dan, chosen, part_bytes, lease_owner="a worker")
            size = bundle.planned_bytes
            building.build(bundle)
            files = _files(bundle)
        transaction.set_rollback(True)

    assert after.context["plan"].photos == promised
    assert len(shown) == len(set(shown)) == promised
    assert len(files) == promised
    assert {photo.sha256 for photo in Photo.objects.filter(pk__in=shown)} == set(files) <= library
    assert bool(after.context["plan"].photos) == bool(size)


def _files(bundle):
    """Return the SHA-256 of every photo in the archives, whose bytes are those that were planned."""
    digests, size = [], 0
    for part in bundle.parts.all():
        with bundle_files().open(part.file.name) as file:
            content = file.read()
        size += len(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            digests += [hashlib.sha256(archive.read(n)).hexdigest() for n in archive.namelist()[:-2]]
    assert size == bundle.planned_bytes
    return digests
