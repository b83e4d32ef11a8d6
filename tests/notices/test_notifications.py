"""Mails: what they say, to whom, and never twice."""

import io
import re
import smtplib
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.conf import settings
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone
from PIL import Image

from labels import tasks
from labels.bundles import building
from labels.maintenance.sweep import sweep
from labels.models import Bundle, Delivery
from labels.selection.predicate import Selection
from tests import factory

pytestmark = pytest.mark.django_db

# What only the HTML has: its name, its button, the names of facts.
_FRAME = {
    "photomgr",
    "Download",
    "Photos",
    "Files",
    "Sign",
    "If",
    "button",
    "does",
    "not",
    "work",
    "open",
    "this",
}


class OutOfOrder(EmailBackend):
    """A mail server that fails as often as the test wants, and then works."""

    failures: list = []

    def send_messages(self, messages):
        if OutOfOrder.failures:
            raise OutOfOrder.failures.pop(0)
        return super().send_messages(messages)


@pytest.fixture
def out_of_order(settings):
    settings.EMAIL_BACKEND = "tests.notices.test_notifications.OutOfOrder"
    OutOfOrder.failures = []
    return OutOfOrder.failures


@pytest.fixture
def library(dan):
    photos = [factory.photo(dan, (60 * n, 0, 0), (200 + n, 150), f"IMG_{n}.jpg") for n in range(3)]
    for photo in photos:
        factory.give_labels(photo, "Lake")
    return photos


def _ended(owner, **options):
    """Return the pending mail about a download that was just built."""
    bundle = factory.held_bundle(owner, **options)
    building.build(bundle)
    return Delivery.objects.get(notice__bundle=bundle)


def _lose(photo):
    (settings.DATA_DIR / "originals" / photo.original.name).unlink()


def _html(mail):
    return next(part.content for part in mail.alternatives if part.mimetype == "text/html")


def _words(text):
    """Return the words people read, without the list's and the sentence's marks."""
    text = re.sub(r"[“”\"]", "", re.sub(r"<[^>(]+>", " ", re.sub(r"<title>.*?</title>", "", text)))
    return re.findall(r"[^\s,:;.]+", text.replace("&#x27;", "'").replace("&amp;", "&").replace("\xa0", " "))


def test_the_mail_of_a_ready_download(dan, library, mailoutbox):
    row = _ended(dan, selection=Selection(any=("Lake",), none=("Person",)), part_bytes=1)

    tasks.deliver(row.pk)

    [mail] = mailoutbox
    bundle = row.notice.bundle
    assert mail.subject == "Your 3 photos are ready: Lake; none of Person"
    assert mail.to == ["dan@example.com"]
    assert mail.cc == mail.bcc == []
    assert mail.from_email == settings.DEFAULT_FROM_EMAIL
    assert mail.body.splitlines()[0] == f"{settings.SITE_URL}/bundles/{bundle.pk}/"
    assert "Your photos are ready: Lake; none of Person." in mail.body
    assert "3 photos, " in mail.body
    assert "in 3 zip files:" in mail.body
    for part in bundle.parts.all():
        assert part.file_name in mail.body
    assert "Kept until " in mail.body
    assert "Missing" not in mail.body
    assert "sign in as dan " in mail.body


def test_the_mail_carries_the_first_thumbnails_that_there_are(dan, mailoutbox, commits):
    with commits():
        for number in range(6):
            factory.photo(dan, (50 * number, 0, 0), (200 + number, 150), f"IMG_{number}.jpg")
    row = _ended(dan)
    lost = row.notice.bundle.photos.get(position=1).photo.thumbnail
    lost.storage.delete(lost.name)

    tasks.deliver(row.pk)

    sent = message_from_bytes(mailoutbox[0].message().as_bytes(), policy=policy.default)
    assert sent.get_content_type() == "multipart/related"
    assert sent.get_body(("plain",)).get_content().startswith("http")
    pictures = [part for part in sent.walk() if part.get_content_maintype() == "image"]
    assert {part["Content-Disposition"].partition(";")[0] for part in pictures} == {"inline"}
    shown = re.findall(r'src="cid:(\w+)"', _html(mailoutbox[0]))
    assert [part["Content-ID"].strip("<>") for part in pictures] == shown
    assert len(pictures) == 3
    for part in pictures:
        assert Image.open(io.BytesIO(part.get_content())).format == "JPEG"
    assert 'src="http' not in _html(mailoutbox[0])


def test_one_photo_is_not_plural(dan, mailoutbox):
    factory.photo(dan)

    tasks.deliver(_ended(dan).pk)

    assert mailoutbox[0].subject == "Your 1 photo is ready: all photos"
    assert "1 photo, " in mailoutbox[0].body
    assert "in 1 zip file:" in mailoutbox[0].body


def test_a_long_choice_is_cut_in_the_subject_and_whole_in_the_mail(dan, mailoutbox):
    names = tuple(f"Label number {n}" for n in range(9))
    factory.give_labels(factory.photo(dan), *names)

    tasks.deliver(_ended(dan, selection=Selection(any=names)).pk)

    subject, _, words = mailoutbox[0].subject.partition(": ")
    assert subject == "Your 1 photo is ready"
    assert (len(words), words[:28], words[-1]) == (60, "any of Label number 0, Label", "…")
    assert ", ".join(names) in mailoutbox[0].body


def test_the_mail_of_a_partial_download_names_what_is_missing(dan, library, mailoutbox):
    _lose(library[1])

    tasks.deliver(_ended(dan).pk)

    assert mailoutbox[0].subject == "Your 2 photos are ready, 1 missing: all photos"
    assert "Missing:\n  IMG_1.jpg: the file is no longer in storage\n" in mailoutbox[0].body
    assert "IMG_0" not in mailoutbox[0].body


def test_a_long_list_of_missing_photos_is_cut_with_its_number(dan, mailoutbox):
    photos = [factory.photo(dan, size=(20 + n, 20), name=f"IMG_{n:02}.jpg") for n in range(23)]
    for photo in photos[:22]:
        _lose(photo)

    tasks.deliver(_ended(dan).pk)

    body = mailoutbox[0].body
    assert body.count("no longer in storage") == 20
    assert "and 2 more; the page above and manifest.csv in the zip name them all." in body


def test_the_mail_of_a_failed_download_says_why_and_the_way_out(dan, library, mailoutbox):
    for photo in library:
        _lose(photo)

    tasks.deliver(_ended(dan).pk)

    [mail] = mailoutbox
    assert mail.subject == "Your download could not be finished: all photos"
    assert mail.body.splitlines()[0] == settings.SITE_URL + Bundle.objects.get().get_absolute_url()
    assert "The reason: None of the photos could be read from storage." in mail.body
    assert 'press "Try again"' in mail.body


@pytest.mark.parametrize("lost", [0, 1, 3], ids=["ready", "partial", "failed"])
def test_text_and_html_say_the_same(dan, library, mailoutbox, lost):
    for photo in library[:lost]:
        _lose(photo)

    tasks.deliver(_ended(dan, selection=Selection(any=("Lake",), none=("O'Hara & Sons <b>",))).pk)

    [mail] = mailoutbox
    html = set(_words(_html(mail).replace("&lt;b&gt;", "(b)")))
    text = set(_words(mail.body.replace("<b>", "(b)")))
    assert text - html <= {"Open", "and", "sign"}
    assert html - text <= _FRAME
    assert "<b>" not in _html(mail)


def test_a_mail_holds_no_other_persons_data(dan, eve, library, mailoutbox):
    factory.give_labels(factory.photo(eve, size=(33, 33), name="secret of eve.jpg"), "Lake")
    _ended(eve, selection=Selection(any=("Lake",)))

    tasks.deliver(_ended(dan, selection=Selection(any=("Lake",))).pk)

    [mail] = mailoutbox
    assert mail.to == ["dan@example.com"]
    assert "eve" not in mail.message().as_string()
    assert "3 photos" in mail.body


def test_no_tracking_and_no_pictures(dan, library, mailoutbox):
    tasks.deliver(_ended(dan).pk)

    assert "<img" not in _html(mailoutbox[0])
    assert set(re.findall(r"https?://[^\s\"<]+", _html(mailoutbox[0]))) == {
        settings.SITE_URL + Bundle.objects.get().get_absolute_url()
    }


def test_a_second_delivery_sends_one_mail(dan, library, mailoutbox):
    row = _ended(dan)

    tasks.deliver(row.pk)
    tasks.deliver(row.pk)

    row.refresh_from_db()
    assert len(mailoutbox) == 1
    assert (row.status, row.target, row.attempts) == (Delivery.Status.SENT, "dan@example.com", 1)


def test_a_worker_killed_while_sending_never_leads_to_a_second_mail(
    client, dan, library, commits, mailoutbox
):
    row = _ended(dan)
    Delivery.objects.claim(row.pk, "a worker that is killed now")
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    tasks.deliver(row.pk)
    with commits():
        swept = sweep()
    tasks.deliver(row.pk)
    with commits():
        sweep()

    row.refresh_from_db()
    assert swept["deliveries_interrupted"] == 1
    assert mailoutbox == []
    assert row.status == Delivery.Status.FAILED
    page = client.get(row.notice.bundle.get_absolute_url()).content.decode()
    assert "it may or may not have gone out" in page


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPRecipientsRefused({"dan@example.com": (450, b"later")}),
        ConnectionRefusedError(111, "Connection refused"),
        TimeoutError("timed out"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_mail_server_in_trouble_is_tried_again(dan, library, out_of_order, mailoutbox, error):
    row = _ended(dan)
    out_of_order.append(error)

    tasks.deliver(row.pk)
    row.refresh_from_db()
    waiting = (row.status, row.next_attempt_at > timezone.now(), len(mailoutbox))
    Delivery.objects.update(next_attempt_at=timezone.now())
    tasks.deliver(row.pk)

    row.refresh_from_db()
    assert waiting == (Delivery.Status.PENDING, True, 0)
    assert row.status == Delivery.Status.SENT
    assert row.failure_reason == ""
    assert len(mailoutbox) == 1


def test_a_mail_server_that_stays_down_is_named_in_the_page(client, dan, library, out_of_order, mailoutbox):
    row = _ended(dan)
    out_of_order.extend(smtplib.SMTPServerDisconnected("Connection unexpectedly closed") for _ in range(9))

    for _ in range(settings.MAX_ATTEMPTS + 2):
        Delivery.objects.update(next_attempt_at=timezone.now())
        tasks.deliver(row.pk)

    row.refresh_from_db()
    assert row.status == Delivery.Status.FAILED
    assert row.attempts == settings.MAX_ATTEMPTS
    page = client.get(row.notice.bundle.get_absolute_url()).content.decode()
    assert "The e-mail could not be sent: SMTPServerDisconnected: Connection unexpectedly closed" in page


def test_an_owner_without_an_address_is_named_in_the_page(client, dan, library, mailoutbox):
    dan.email = ""
    dan.save()
    row = _ended(dan)

    tasks.deliver(row.pk)

    assert mailoutbox == []
    page = client.get(row.notice.bundle.get_absolute_url()).content.decode()
    assert "The e-mail could not be sent: dan has no mail address." in page


def test_the_page_says_to_whom_we_wrote_and_where_the_file_is(client, dan, library, mail_in_files):
    row = _ended(dan)

    tasks.deliver(row.pk)

    row.refresh_from_db()
    page = client.get(row.notice.bundle.get_absolute_url()).content.decode()
    assert "E-mailed to dan@example.com" in page
    assert f"(kept in {row.message_id})" in page
    assert [str(path) for path in settings.MAIL_DIR.glob("*.eml")] == [row.message_id]


def test_a_notice_that_is_gone_is_passed_over(db, mailoutbox):
    tasks.deliver(12345)

    assert mailoutbox == []
