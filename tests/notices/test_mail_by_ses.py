"""EMAIL_URL=ses://region: mail leaves through Amazon SES at the wire, once, and its failures say why."""

import json
import os
import subprocess
import sys
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.utils import timezone
from moto.ses.models import ses_backends

from labels import tasks
from labels.bundles import building
from labels.models import Bundle, Delivery
from photomgr import aws
from tests import factory
from tests.storage.s3_server import cut

_REGION, _SENDER = "eu-west-1", "photomgr@example.com"
_ACCOUNT = "123456789012"
_MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


@pytest.fixture
def ses(s3, settings, monkeypatch):
    """Have mail go through moto's SES in front of which the S3 server stands; return what lists it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    settings.EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
    settings.ANYMAIL = {
        "AMAZON_SES_CLIENT_PARAMS": {
            "region_name": _REGION,
            "config": aws.config("sesv2"),
        }
    }
    settings.DEFAULT_FROM_EMAIL = f"photomgr <{_SENDER}>"
    aws.client("ses", _REGION).verify_email_identity(EmailAddress=_SENDER)
    s3.reset()
    yield lambda: [
        message_from_bytes(mail.raw_data.encode(), policy=policy.default)
        for mail in ses_backends[_ACCOUNT][_REGION].sent_messages
    ]
    aws._client.cache_clear()


@pytest.fixture
def row(ses, dan):
    factory.photo(dan)
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    return Delivery.objects.get(notice__bundle=bundle)


def _asked(s3):
    return s3.calls("POST", "/v2/email/outbound-emails")


def _refusal(status, code, message):
    """Return a rule for the server: SES refuses."""

    def answer(moto, environ, start_response):
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = json.dumps({"message": message}).encode()
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
        start_response(f"{status} {code}", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    return lambda asked: answer if "outbound-emails" in asked.path else None


def _send(row):
    Delivery.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now())
    tasks.deliver(row.pk)
    row.refresh_from_db()
    return row


@pytest.mark.django_db
def test_a_mail_goes_through_ses_once(s3, ses, row, settings):
    _send(row)
    _send(row)

    [mail] = ses()
    assert (mail["From"], mail["To"]) == (f"photomgr <{_SENDER}>", "dan@example.com")
    assert mail["Subject"] == "Your 1 photo is ready: all photos"
    link = settings.SITE_URL + row.notice.bundle.get_absolute_url()
    assert link in mail.get_body(("plain",)).get_content()
    assert link in mail.get_body(("html",)).get_content()
    assert (row.status, row.target) == (Delivery.Status.SENT, "dan@example.com")
    assert len(_asked(s3)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "MessageRejected", "Email address is not verified."),
        (429, "TooManyRequestsException", "Maximum sending rate exceeded."),
        (403, "ExpiredTokenException", "The security token included in the request is expired"),
        (500, "InternalFailure", "Try again"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_ses_refuses_is_tried_again_and_given_up_with_its_reason(
    s3, ses, row, settings, status, code, message
):
    settings.MAX_ATTEMPTS = 2
    s3.rule = _refusal(status, code, message)

    assert _send(row).status == Delivery.Status.PENDING
    assert row.next_attempt_at > timezone.now()
    # No attempt of the SDK's own: each of ours is one request.
    assert len(_asked(s3)) == 1
    for _ in range(settings.MAX_ATTEMPTS):
        _send(row)

    assert len(_asked(s3)) == settings.MAX_ATTEMPTS
    assert (row.status, row.attempts) == (Delivery.Status.FAILED, settings.MAX_ATTEMPTS)
    assert code in row.failure_reason
    assert message in row.failure_reason
    assert "\n" not in row.failure_reason
    assert Bundle.objects.get().status == Bundle.Status.READY
    assert ses() == []


@pytest.mark.django_db
def test_a_sender_that_is_not_verified_is_named_by_ses(ses, row, settings):
    settings.DEFAULT_FROM_EMAIL = "stranger@example.com"

    assert "stranger@example.com" in _send(row).failure_reason


@pytest.mark.django_db
def test_a_refusal_that_ends_ends_with_the_mail(s3, ses, row):
    s3.rule = _refusal(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
    _send(row)
    s3.reset()

    assert _send(row).status == Delivery.Status.SENT
    assert len(ses()) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("after", [0, 20], ids=["all of it", "its end"])
def test_an_answer_that_is_lost_leads_to_no_second_mail(s3, ses, row, after):
    s3.rule = lambda asked: cut(after) if "outbound-emails" in asked.path else None
    _send(row)
    s3.reset()

    _send(row)

    assert row.status == Delivery.Status.FAILED
    assert "may or may not have gone out" in row.failure_reason
    assert len(ses()) == 1


@pytest.mark.django_db
def test_ses_that_cannot_be_reached_is_tried_again(ses, row, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    assert _send(row).status == Delivery.Status.PENDING
    assert "EndpointConnectionError" in row.failure_reason or "Could not connect" in row.failure_reason


def test_the_address_in_the_environment_is_enough(s3_server, aws_account, tmp_path):
    """The settings as a process of its own reads them, and Django's command for a test mail."""
    s3_server.reset()
    variables = {
        "EMAIL_URL": f"ses://{_REGION}",
        "DEFAULT_FROM_EMAIL": _SENDER,
        "AWS_ENDPOINT_URL_SESV2": s3_server.url,
        "PHOTOMGR_DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "photomgr.settings",
    }
    s3_server.rule = _refusal(429, "TooManyRequestsException", "Maximum sending rate exceeded.")

    done = subprocess.run(
        [sys.executable, str(_MANAGE), "sendtestemail", "dan@example.com"],
        env={**os.environ, **variables},
        cwd=configured.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )

    asked = _asked(s3_server)
    s3_server.reset()
    assert "Maximum sending rate exceeded." in done.stderr
    # Asked once, in the Region of the address.
    assert [f"/{_REGION}/ses/" in request.headers["authorization"] for request in asked] == [True]
