"""EMAIL_URL=smtp://…: a mail server that refuses, falls silent or loses its answer, at the wire."""

import os
import socket
import subprocess
import sys

import pytest
from django.conf import settings as configured
from django.utils import timezone

from labels import tasks
from labels.bundles import building
from labels.models import Delivery
from photomgr import aws
from tests import factory
from tests.smtp_server import SMTPServer

_SILENT = 0.2


@pytest.fixture
def server(settings):
    with SMTPServer() as server:
        settings.EMAIL_BACKEND = "photomgr.mail.SMTPBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        settings.EMAIL_TIMEOUT = _SILENT
        yield server


@pytest.fixture
def row(db, dan):
    factory.photo(dan)
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    return Delivery.objects.get(notice__bundle=bundle)


def _deliver(row):
    Delivery.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now())
    tasks.deliver(row.pk)
    row.refresh_from_db()
    return row


@pytest.mark.parametrize(
    "trouble",
    [
        {"hello": "421 too busy"},
        {"hello": None},
        {"EHLO": None, "HELO": None},
        {"RCPT": "450 later"},
        {"RCPT": None},
        {"content": "451 no room"},
    ],
    ids=str,
)
def test_what_is_not_taken_costs_a_retry_and_arrives_once(server, row, trouble):
    server.plan = [trouble]

    assert _deliver(row).status == Delivery.Status.PENDING
    assert (row.attempts, server.mails) == (1, [])
    assert row.failure_reason

    assert _deliver(row).status == Delivery.Status.SENT
    _deliver(row)
    assert len(server.mails) == 1
    assert "To: dan@example.com" in server.mails[0]


def test_a_server_that_falls_silent_with_the_mail_does_not_get_it_twice(server, row):
    server.plan = [{"content": None}]

    _deliver(row)
    _deliver(row)

    assert (row.status, len(server.mails)) == (Delivery.Status.FAILED, 1)
    assert "the mail may or may not have gone out" in row.failure_reason


def test_a_server_that_takes_the_mail_and_says_no_goodbye_has_it(server, row):
    server.plan = [{"QUIT": None}]

    assert _deliver(row).status == Delivery.Status.SENT


@pytest.mark.django_db
def test_ses_that_accepts_and_never_answers_costs_no_worker(settings, monkeypatch, dan):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*silent.getsockname()))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        settings.EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
        client = {"region_name": "eu-west-1", "config": aws.config("sesv2", _SILENT)}
        settings.ANYMAIL = {"AMAZON_SES_CLIENT_PARAMS": client}
        factory.photo(dan)
        building.build(factory.held_bundle(dan))
        row = _deliver(Delivery.objects.get())

    assert row.status == Delivery.Status.FAILED
    assert "ReadTimeoutError" in row.failure_reason


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://mail.example.com", "photomgr.mail.SMTPBackend 25 False False 10"),
        ("smtp+tls://u:p@mail.example.com:587", "photomgr.mail.SMTPBackend 587 True False 10"),
        ("smtp+ssl://u:p@mail.example.com", "photomgr.mail.SMTPBackend 465 False True 10"),
        ("smtp://mail.example.com?timeout=3", "photomgr.mail.SMTPBackend 25 False False 3"),
        ("smtps+tls://u:secret@mail.example.com", "EMAIL_URL begins with none of"),
    ],
)
def test_the_address_of_the_server_is_understood_or_refused(url, found):
    code = (
        "from photomgr import settings as s;"
        "print(s.EMAIL_BACKEND, s.EMAIL_PORT, s.EMAIL_USE_TLS, s.EMAIL_USE_SSL, s.EMAIL_TIMEOUT)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "EMAIL_URL": url},
        cwd=configured.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert found in done.stdout + done.stderr
    assert "secret" not in done.stderr
