"""Each wrong setting is said by its id, with what to do; a right one says nothing."""

import pytest
from django.core.checks import run_checks
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
MAIL_FILES = "labels.mail_files.EmailBackend"


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
        pytest.param(
            "labels.E023",
            {"SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:photomgr.fifo"},
            "a standard topic",
            id="a topic that wants an order",
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
    ],
)
def test_a_right_setting_says_nothing(settings, changed):
    assert _found(settings, **changed) == {}


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
