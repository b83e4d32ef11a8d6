"""The main job through the test client: photos in, labels and counts, a zip and a mail out."""

import csv
import hashlib
import io
import zipfile

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from labels.models import Bundle, Delivery, LabelCount, Notice, Photo
from tests import factory
from tests.factory import BLUE, RED

pytestmark = pytest.mark.django_db


def _upload(client, **pictures):
    files = [
        SimpleUploadedFile(f"{name}.jpg", factory.picture(colour).read()) for name, colour in pictures.items()
    ]
    return client.post(reverse("upload"), {"photos": files})


def test_ticked_photos_come_back_byte_for_byte_with_a_mail(client, dan, commits, mail_in_files):
    with commits():
        answer = _upload(client, sea=BLUE, barn=RED)
    assert answer.context["results"]["summary"] == "2 of 2 added"
    counts = {row.label.name: row.count for row in LabelCount.objects.filter(owner=dan)}
    assert counts == {"Colour": 2, "Red": 1, "Blue": 1, "Dark": 2}

    with commits():
        answer = client.post(reverse("bundle_create"), {"label": "Blue"})

    bundle = Bundle.objects.get()
    assert answer.url == bundle.get_absolute_url()
    assert bundle.status == Bundle.Status.READY
    content = b"".join(client.get(bundle.parts.get().get_absolute_url()).streaming_content)
    assert hashlib.sha256(content).hexdigest() == bundle.parts.get().sha256
    assert len(content) == bundle.planned_bytes
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["sea.jpg", "manifest.csv", "SHA256SUMS"]
        assert archive.read("sea.jpg") == factory.picture(BLUE).read()
        rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode())))
    assert rows[0]["sha256"] == Photo.objects.get(original_name="sea.jpg").sha256
    assert rows[0]["labels"] == "Blue 99.0; Colour 99.0; Dark 90.0"

    [mail] = (settings.DATA_DIR / "mail").glob("*.eml")
    assert settings.SITE_URL + bundle.get_absolute_url() in mail.read_text()
    assert Delivery.objects.get().message_id == str(mail)


def test_an_empty_selection_is_refused_with_a_sentence_and_no_mail(client, dan, commits):
    with commits():
        answer = client.post(reverse("bundle_create"), {"label": "Unicorn"}, follow=True)

    assert "No photos match" in answer.content.decode()
    assert not Bundle.objects.exists()
    assert not Notice.objects.exists()
