"""make_library: rows and files that agree with each other, as intake and labelling would have made them."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from labels.bundles import building
from labels.models import Bundle, Photo, PhotoLabel
from labels.selection.predicate import Overview, Selection
from tests import factory
from tests.commands.tools import run

pytestmark = pytest.mark.django_db


def test_a_made_library_has_nothing_to_repair_and_can_be_downloaded(dan):
    factory.photo(dan)

    code, document = run("make_library", "--photos", "40", "--labels", "30", "--owners", "2")

    assert (code, document["photos"], document["accounts"]) == (0, 80, ["library-1", "library-2"])
    assert run("check_counts") == (0, {"differences": [], "repaired": 0})
    assert run("check_storage")[0] == 0
    assert 790 <= PhotoLabel.objects.count() <= 810
    owner = get_user_model().objects.get(username="library-2")
    assert len(Overview(owner, Selection(any=("label 0000",)))) == 24
    bundle = factory.held_bundle(owner)
    building.build(bundle)
    bundle.refresh_from_db()
    assert (bundle.status, bundle.photos_done) == (Bundle.Status.READY, 40)
    # Ids go on from there.
    assert factory.photo(dan, (1, 2, 3)).pk == Photo.objects.order_by("-pk").first().pk


def test_originals_of_any_size_are_mostly_holes_and_still_what_the_rows_say():
    run("make_library", "--photos", "2", "--labels", "3", "--bytes", "3000000")

    photo = Photo.objects.first()
    bundle = factory.held_bundle(photo.owner)
    building.build(bundle)

    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY
    assert photo.size == 3_000_000


def test_rows_alone_claim_sizes_of_photos():
    run("make_library", "--photos", "3", "--labels", "3", "--no-files")

    assert all(photo.size >= 1_000_000 for photo in Photo.objects.all())
    assert not any(photo.original.storage.exists(photo.original.name) for photo in Photo.objects.all())


@pytest.mark.parametrize(
    "wrong", [("--photos", "0"), ("--labels", "0"), ("--owners", "0"), ("--bytes", "-1")]
)
def test_numbers_that_make_no_library_are_refused(wrong):
    with pytest.raises(CommandError, match="are 1 or more"):
        run("make_library", *wrong)
