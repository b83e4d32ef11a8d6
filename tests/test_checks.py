"""Each wrong setting is said by its id, with what to do; a right one says nothing."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as configured
from django.core.checks import ERROR, WARNING, run_checks
from PIL import features

LIMITS = [
    "UPLOAD_MAX_BYTES",
    "UPLOAD_MAX_PIXELS",
    "BUNDLE_PART_BYTES",
    "BUNDLE_CHUNK_BYTES",
    "BUNDLE_KEEP_HOURS",
    "CLAIM_LEASE_SECONDS",
    "MAX_ATTEMPTS",
    "QUEUE_WORKERS",
    "DATABASE_POOL_SIZE",
    "SMS_DAILY_LIMIT",
    "SMS_DAILY_LIMIT_EACH",
]
MAIL_FILES = "labels.notices.mail_files.EmailBackend"


def _found(settings, **changed):
    for name, value in changed.items():
        setattr(settings, name, value)
    return {found.id: found for found in run_checks() if found.id.startswith("labels.")}


def test_a_checkout_has_nothing_to_say(settings):
    assert _found(settings, EMAIL_BACKEND=MAIL_FILES, LABELS_DETECTOR="local") == {}


@pytest.mark.parametrize(
    ("id", "changed", "hint"),
    [
        pytest.param("labels.E001", {"LABELS_DETECTOR": "crystal ball"}, "local", id="unknown detector"),
        *(pytest.param("labels.E003", {name: 0}, "1 or more", id=f"{name} 0") for name in LIMITS),
        pytest.param("labels.E003", {"MAX_ATTEMPTS": -1}, "1 or more", id="negative"),
        pytest.param("labels.E004", {"LABELS_MIN_CONFIDENCE": 100.5}, "0 to 100", id="confidence over 100"),
        pytest.param("labels.E004", {"LABELS_MIN_CONFIDENCE": -1}, "0 to 100", id="negative confidence"),
        pytest.param(
            "labels.E005",
            {"SITE_URL": "https://photos.example.com", "ALLOWED_HOSTS": ["localhost"]},
            "ALLOWED_HOSTS=photos.example.com",
            id="links lead to a host that is refused",
        ),
        pytest.param(
            "labels.E005", {"SITE_URL": "photos.example.com"}, "ALLOWED_HOSTS=", id="no host at all"
        ),
        pytest.param("labels.E028", {"X_ACCEL_REDIRECT": "files"}, "/files", id="no path of the proxy"),
        pytest.param(
            "labels.E023",
            {"SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:photomgr.fifo"},
            "a standard topic",
            id="a topic that wants an order",
        ),
        *(
            pytest.param("labels.E006", {"QUEUE_URL": url}, hint, id=url)
            for url, hint in (
                ("orm://database", "orm:// alone"),
                ("orm:///other", "orm:// alone"),
                ("redis://", "redis://host:6379/0"),
                ("redis:///0", "redis://host:6379/0"),
                ("rediss://cache/labels", "number of a database"),
                ("sqs://", "sqs://eu-west-1/photomgr"),
                ("sqs:///photomgr", "sqs://eu-west-1/photomgr"),
                ("sqs://photomgr", "sqs://eu-west-1/photomgr"),
                ("sqs://sqs.eu-west-1.amazonaws.com/1/queue", "sqs://eu-west-1/photomgr"),
                ("sqs://eu-west-1/photo.mgr", "photomgr-labels"),
                ("sqs://eu-west-1/" + 73 * "x", "photomgr-labels"),
            )
        ),
        pytest.param("labels.E020", {"PHOTOS_BUCKET": "photos"}, "Set both, or none", id="only one bucket"),
        pytest.param(
            "labels.E021",
            {"PHOTOS_BUCKET": "one", "BUNDLES_BUCKET": "one"},
            "Take two buckets",
            id="photos among what expires",
        ),
        pytest.param(
            "labels.E022",
            {"BUNDLE_CHUNK_BYTES": 5 * 1024**2 - 1, "PHOTOS_BUCKET": "p", "BUNDLES_BUCKET": "b"},
            "within these limits",
            id="chunks that S3 refuses",
        ),
        pytest.param(
            "labels.E022",
            {"UPLOAD_MAX_BYTES": 5 * 1024**3 + 1, "PHOTOS_BUCKET": "p", "BUNDLES_BUCKET": "b"},
            "within these limits",
            id="photos that S3 refuses",
        ),
        pytest.param(
            "labels.W001",
            {
                "SITE_URL": "https://photos.example.com",
                "ALLOWED_HOSTS": ["photos.example.com"],
                "EMAIL_BACKEND": MAIL_FILES,
            },
            "Set EMAIL_URL",
            id="mail stays on the machine",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_the_way_out(settings, id, changed, hint):
    found = _found(settings, **changed)

    assert set(found) == {id}
    assert found[id].level == (ERROR if id.startswith("labels.E") else WARNING)
    assert hint in found[id].hint
    name, value = next(iter(changed.items()))
    assert name in found[id].msg
    assert str(value) in found[id].msg


def test_a_pillow_without_our_formats_is_named(settings, monkeypatch):
    check = features.check
    monkeypatch.setattr(features, "check", lambda name: name != "webp" and check(name))

    found = _found(settings)

    assert set(found) == {"labels.E002"}
    assert found["labels.E002"].msg == "Pillow was built without webp."


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"LABELS_MIN_CONFIDENCE": 0}, id="lowest confidence"),
        pytest.param({"LABELS_MIN_CONFIDENCE": 100}, id="highest confidence"),
        pytest.param(dict.fromkeys(LIMITS, 1), id="smallest limits"),
        pytest.param(
            {"SITE_URL": "https://a.example.com", "ALLOWED_HOSTS": [".example.com"]}, id="subdomain"
        ),
        pytest.param({"SITE_URL": "http://localhost:8000", "EMAIL_BACKEND": MAIL_FILES}, id="mail at home"),
        *(
            pytest.param({"QUEUE_URL": url}, id=url)
            for url in (
                *(
                    "orm://",
                    "redis://cache",
                    "redis://:secret@10.0.0.7:6379/3",
                    "rediss://cache/0?ssl_cert_reqs=none",
                ),
                *("sqs://eu-west-1", "sqs://us-gov-west-1/photos", "sqs://eu-west-1/" + 72 * "x"),
            )
        ),
    ],
)
def test_a_right_setting_says_nothing(settings, changed):
    assert _found(settings, **changed) == {}


def test_the_password_of_a_redis_is_not_said(settings):
    found = _found(settings, QUEUE_URL="redis://photomgr:secret@cache/queue")

    assert found["labels.E006"].msg == "QUEUE_URL is 'redis://…@cache/queue'."


def test_an_unknown_kind_of_queue_stops_the_start(tmp_path):
    own = {"QUEUE_URL": "amqp://host", "PHOTOMGR_DATA_DIR": str(tmp_path)}
    theirs = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=configured.BASE_DIR,
        env={**theirs, **own},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 1
    assert "QUEUE_URL begins with orm://, redis://, rediss:// or sqs://." in done.stderr


REKOGNITION = {"LABELS_DETECTOR": "rekognition", "REKOGNITION_REGIONS": {"us-east-1": 50.0}}


@pytest.mark.parametrize(
    ("id", "changed", "hint"),
    [
        pytest.param("labels.E030", {"REKOGNITION_REGIONS": {}}, "us-east-1=50", id="no Regions"),
        pytest.param("labels.E030", {"REKOGNITION_REGIONS": {"useast1": 50}}, "us-east-1=50", id="no Region"),
        pytest.param("labels.E030", {"REKOGNITION_REGIONS": {"us-east-1": 0}}, "us-east-1=50", id="rate 0"),
        pytest.param(
            "labels.W030",
            {"REKOGNITION_REGIONS": {"ca-central-1": 5}},
            "us-east-1",
            id="no DetectLabels there",
        ),
        pytest.param("labels.E031", {"REKOGNITION_ALSO": ["DetectFaces"]}, "DetectText", id="unknown call"),
        pytest.param("labels.E032", {"REKOGNITION_DAILY_BUDGET": -1}, "US dollars", id="negative budget"),
        pytest.param("labels.E032", {"REKOGNITION_MONTHLY_BUDGET": -1}, "US dollars", id="negative month"),
        pytest.param(
            "labels.W031",
            {"REKOGNITION_DAILY_BUDGET": 11, "REKOGNITION_MONTHLY_BUDGET": 10},
            "the monthly budget is what counts".capitalize(),
            id="a day over the month",
        ),
        pytest.param("labels.E035", {"REKOGNITION_TIMEOUT": 0}, "at most 15", id="no time"),
        pytest.param("labels.E035", {"REKOGNITION_TIMEOUT": 16}, "at most 15", id="too long a time"),
        pytest.param(
            "labels.E033", {"REKOGNITION_RESIDENCY": "eu"}, "Their groups: us", id="nowhere allowed"
        ),
        pytest.param("labels.E034", {"REKOGNITION_IMAGE": "png"}, "bytes or s3object", id="unknown image"),
        pytest.param("labels.E034", {"REKOGNITION_IMAGE": "s3object"}, "PHOTOS_BUCKET", id="no bucket"),
        pytest.param(
            "labels.E034",
            {
                "REKOGNITION_IMAGE": "s3object",
                "PHOTOS_BUCKET": "photos",
                "BUNDLES_BUCKET": "bundles",
                "REKOGNITION_REGIONS": {"us-east-1": 50.0, "us-west-2": 50.0},
            },
            "the bucket's own Region",
            id="objects in two Regions",
        ),
    ],
)
def test_a_wrong_setting_for_rekognition_is_named(settings, id, changed, hint):
    assert id not in _found(settings, **REKOGNITION)

    found = _found(settings, **changed)

    assert hint in found[id].hint
    assert next(iter(changed)) in found[id].msg


TEXTS = {
    "SMS_REGION": "eu-west-1",
    "SMS_COUNTRIES": ["+44", "+49"],
    "SITE_URL": "https://photos.example.com",
    "ALLOWED_HOSTS": ["*"],
}


@pytest.mark.parametrize(
    ("id", "changed", "hint"),
    [
        pytest.param("labels.E040", {"SMS_REGION": "Ireland"}, "eu-west-1", id="no Region"),
        pytest.param(
            "labels.E041", {"SMS_COUNTRIES": ["+44", "49"]}, "+44,+49", id="a country without its +"
        ),
        pytest.param(
            "labels.E041", {"SMS_COUNTRIES": ["+044"]}, "+44,+49", id="a country that begins with 0"
        ),
        pytest.param(
            "labels.E042", {"SITE_URL": f"https://{'long.' * 16}com"}, "a shorter address", id="two SMS long"
        ),
        pytest.param(
            "labels.E042",
            {"SITE_URL": "https://фото.example"},
            "plain letters",
            id="not in the alphabet of SMS",
        ),
        pytest.param(
            "labels.W040", {"SITE_URL": "http://localhost:8000"}, "people reach", id="links no phone opens"
        ),
        pytest.param("labels.W041", {"SMS_COUNTRIES": []}, "+44,+49", id="texts to anywhere"),
    ],
)
def test_a_wrong_setting_for_texts_is_named(settings, id, changed, hint):
    assert _found(settings, **TEXTS) == {}

    found = _found(settings, **changed)

    assert set(found) == {id}
    assert hint in found[id].hint
    assert next(iter(changed)) in found[id].msg
