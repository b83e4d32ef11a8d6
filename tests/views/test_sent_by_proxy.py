"""With X_ACCEL_REDIRECT the proxy in front sends local files; who may have them is decided here as before."""

import pytest

from labels.bundles import building
from labels.models import Photo
from labels.pictures import renditions
from tests import factory

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(autouse=True)
def proxy(settings):
    settings.X_ACCEL_REDIRECT = "/files"


def _told(answer, settings):
    """Return the file that the proxy is told to send."""
    location, _, path = answer.headers["X-Accel-Redirect"].partition("/files/")
    assert (answer.status_code, location, answer.content) == (200, "", b"")
    return settings.DATA_DIR / path


def test_the_proxy_is_told_of_an_original_by_its_name(client, dan, settings):
    photo = factory.photo(dan, name="sea & sun.jpg")

    answer = client.get(f"/photos/{photo.pk}/original/")

    assert _told(answer, settings).read_bytes() == photo.original.open().read()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="sea & sun.jpg"'
    assert answer.headers["Cache-Control"] == "private, no-cache, no-transform"
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_the_proxy_is_told_of_an_archive(client, dan, settings):
    factory.photo(dan)
    bundle = factory.held_bundle(dan)
    building.build(bundle)

    answer = client.get(f"/bundles/{bundle.pk}/parts/1/")

    assert _told(answer, settings).stat().st_size == bundle.parts.get().size
    assert answer.headers["Content-Type"] == "application/zip"


def test_the_proxy_is_told_of_a_thumbnail(client, dan, settings):
    photo = factory.photo(dan)
    renditions.ensure(Photo.objects.claim(photo.pk))
    photo.refresh_from_db()

    answer = client.get(f"/photos/{photo.pk}/thumbnail/")

    assert _told(answer, settings).read_bytes() == photo.thumbnail.open().read()
    assert answer.headers["Content-Type"] == "image/jpeg"


def test_a_file_that_is_gone_is_our_404(client, dan):
    photo = factory.photo(dan)
    photo.original.storage.delete(photo.original.name)

    assert client.get(f"/photos/{photo.pk}/original/").status_code == 404


def test_the_file_of_somebody_else_is_not_there(client, eve):
    photo = factory.photo(eve)

    answer = client.get(f"/photos/{photo.pk}/original/")

    assert answer.status_code == 404
    assert "X-Accel-Redirect" not in answer.headers
