"""System checks: wrong settings are said at the start, with what to do, not found at night."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Warning, register
from django.http.request import validate_host
from PIL import features

from labels import detectors
from photomgr.aws import REGION
from photomgr.environment import SETTINGS

LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1"}


@register()
def detector_is_known(app_configs, **kwargs):
    if settings.LABELS_DETECTOR in detectors.NAMES:
        return []
    return [
        Error(
            f"LABELS_DETECTOR is {settings.LABELS_DETECTOR!r}.",
            hint=f"It may be one of {', '.join(detectors.NAMES)}.",
            id="labels.E001",
        )
    ]


@register()
def pillow_reads_our_formats(app_configs, **kwargs):
    missing = [name for name in ("jpg", "zlib", "webp", "libtiff", "littlecms2") if not features.check(name)]
    if not missing:
        return []
    return [
        Error(
            f"Pillow was built without {', '.join(missing)}.",
            hint="Install Pillow's wheel from PyPI, or build it with these libraries.",
            id="labels.E002",
        )
    ]


@register()
def limits_are_positive(app_configs, **kwargs):
    return [
        Error(f"{name} is {value}.", hint=f"It must be {setting.minimum} or more.", id="labels.E003")
        for name, setting in SETTINGS.items()
        if setting.minimum is not None and (value := getattr(settings, name)) < setting.minimum
    ]


@register()
def confidence_is_a_percentage(app_configs, **kwargs):
    if 0 <= settings.LABELS_MIN_CONFIDENCE <= 100:
        return []
    return [
        Error(
            f"LABELS_MIN_CONFIDENCE is {settings.LABELS_MIN_CONFIDENCE}.",
            hint="It is a percentage, 0 to 100.",
            id="labels.E004",
        )
    ]


@register()
def site_url_is_served(app_configs, **kwargs):
    """The links in mails lead to SITE_URL; a host that is not allowed answers them with 400."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    if validate_host(host, settings.ALLOWED_HOSTS):
        return []
    return [
        Error(
            f"SITE_URL is {settings.SITE_URL!r}, and its host is not in ALLOWED_HOSTS.",
            hint=f"Set ALLOWED_HOSTS={host} (and every other name the site is reached by).",
            id="labels.E005",
        )
    ]


@register()
def mail_leaves_the_machine(app_configs, **kwargs):
    if settings.EMAIL_BACKEND != "labels.notices.mail_files.EmailBackend":
        return []
    if (urlsplit(settings.SITE_URL).hostname or "") in LOCAL_HOSTS:
        return []
    return [
        Warning(
            f"SITE_URL is {settings.SITE_URL!r}, but mail is only written to {settings.MAIL_DIR}.",
            hint="Set EMAIL_URL, for example smtp+tls://user:password@mail.example.com:587.",
            id="labels.W001",
        )
    ]


# What the address of each kind of queue looks like, and what to do when it looks different.
_QUEUES = {
    "orm": (r"orm://", "Write orm:// alone: this queue is in the database that DATABASE_URL names."),
    "redis": (r"rediss?://[^/?]+(/\d*)?(\?.*)?", "Write redis://host:6379/0, with the number of a database."),
    # SQS takes 80 characters, of which "-bundles" is ours.
    "sqs": (
        rf"sqs://{REGION}(/[A-Za-z0-9_-]{{1,72}})?/?",
        "Write sqs://eu-west-1/photomgr for the queues photomgr-labels and photomgr-bundles of that Region.",
    ),
}
_QUEUES["rediss"] = _QUEUES["redis"]


@register()
def queue_has_an_address(app_configs, **kwargs):
    """An unknown kind of queue stops the start in settings.py; here the kind is known."""
    pattern, hint = _QUEUES[urlsplit(settings.QUEUE_URL).scheme]
    if re.fullmatch(pattern, settings.QUEUE_URL):
        return []
    # The address of a Redis may hold its password.
    shown = re.sub("//[^/]*@", "//…@", settings.QUEUE_URL)
    return [Error(f"QUEUE_URL is {shown!r}.", hint=hint, id="labels.E006")]


_TOPIC = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")


@register()
def topic_is_an_arn(app_configs, **kwargs):
    if not settings.SNS_TOPIC_ARN or _TOPIC.fullmatch(settings.SNS_TOPIC_ARN):
        return []
    return [
        Error(
            f"SNS_TOPIC_ARN is {settings.SNS_TOPIC_ARN!r}.",
            hint="It is the ARN of a standard topic: arn:aws:sns:eu-west-1:123456789012:photomgr.",
            id="labels.E023",
        )
    ]


# One PUT of S3 takes no more; a part of an upload no less (but the last).
_PUT_BYTES = 5 * 1024**3
_PART_BYTES = 5 * 1024**2


@register()
def buckets_go_together(app_configs, **kwargs):
    photos, bundles = settings.PHOTOS_BUCKET, settings.BUNDLES_BUCKET
    if bool(photos) != bool(bundles):
        return [
            Error(
                f"PHOTOS_BUCKET is {photos!r} and BUNDLES_BUCKET is {bundles!r}.",
                hint="Set both, or none: what lies in local files cannot be reached by other machines.",
                id="labels.E020",
            )
        ]
    if photos and photos == bundles:
        return [
            Error(
                f"PHOTOS_BUCKET and BUNDLES_BUCKET are both {photos!r}.",
                hint="Take two buckets: rules that remove old archives shall never come near photos.",
                id="labels.E021",
            )
        ]
    return []


@register()
def sizes_fit_s3(app_configs, **kwargs):
    limits = []
    if settings.PHOTOS_BUCKET:
        limits.append(("UPLOAD_MAX_BYTES", 1, _PUT_BYTES))
    if settings.BUNDLES_BUCKET:
        limits.append(("BUNDLE_CHUNK_BYTES", _PART_BYTES, _PUT_BYTES))
    return [
        Error(
            f"{name} is {getattr(settings, name)}, and S3 takes {least:,} to {most:,} bytes at once.",
            hint="Choose a number within these limits.",
            id="labels.E022",
        )
        for name, least, most in limits
        if not least <= getattr(settings, name) <= most
    ]
