import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from labels.models import Photo
from tests import factory
from tests.conftest import stored

pytestmark = pytest.mark.django_db


def test_an_upload_over_the_limit_is_refused_with_its_true_size(client, settings):
    settings.UPLOAD_MAX_BYTES = 1_000_000
    large = SimpleUploadedFile("a.jpg", factory.picture().read() + bytes(5_000_000))

    answer = client.post(reverse("upload"), {"photos": [large]})

    assert "a.jpg is 4.8\xa0MB; the limit is 976.6\xa0KB." in answer.content.decode()
    assert not Photo.objects.exists()
    assert stored("originals") == []


def test_uploads_leave_no_temporary_files(client, settings):
    client.post(reverse("upload"), {"photos": [SimpleUploadedFile("a.jpg", factory.picture().read())]})

    assert Photo.objects.count() == 1
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == []
