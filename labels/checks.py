"""System checks: wrong settings are named at the start, with what to do, not found at night."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Warning, register
from django.http.request import validate_host
from PIL import features

from labels import detectors
from labels.detectors.rekognition.regions import quotas
from photomgr.aws import REGION
from photomgr.environment import SETTINGS

# What the address of each kind of queue looks like, and what to do when it looks different.
_QUEUES = {
    "orm": (r"orm://", "Write orm:// alone: this queue is in the database that DATABASE_URL names."),
    "redis": (r"rediss?://[^/?]+(/\d*)?(\?.*)?", "Write redis://host:6379/0, with the number of a database."),
    # SQS takes 80 characters, of which "-bundles" is ours.
    "sqs": (
        rf"sqs://{REGION}(/[A-Za-z0-9_-]{{1,72}})?/?",
        "Write sqs://eu-west-1/photomgr for the queues photomgr-labels, -turns, -photos and -bundles there.",
    ),
}
_QUEUES["rediss"] = _QUEUES["redis"]


@register()
def check_values(app_configs, **kwargs):
    if settings.LABELS_DETECTOR not in detectors.NAMES:
        yield Error(
            f"LABELS_DETECTOR is {settings.LABELS_DETECTOR!r}.",
            hint=f"It may be one of {', '.join(detectors.NAMES)}.",
            id="labels.E001",
        )
    missing = [name for name in ("jpg", "zlib", "webp", "libtiff", "littlecms2") if not features.check(name)]
    if missing:
        yield Error(
            f"Pillow was built without {', '.join(missing)}.",
            hint="Install Pillow's wheel from PyPI, or build it with these libraries.",
            id="labels.E002",
        )
    for name, setting in SETTINGS.items():
        if setting.minimum is not None and (value := getattr(settings, name)) < setting.minimum:
            yield Error(
                f"{name} is {value}.", hint=f"It must be {setting.minimum} or more.", id="labels.E003"
            )
    if not 0 <= settings.LABELS_MIN_CONFIDENCE <= 100:
        yield Error(
            f"LABELS_MIN_CONFIDENCE is {settings.LABELS_MIN_CONFIDENCE}.",
            hint="It is a percentage, 0 to 100.",
            id="labels.E004",
        )


@register()
def check_site(app_configs, **kwargs):
    host = urlsplit(settings.SITE_URL).hostname or ""
    # The links in mails lead to SITE_URL; a host that is not allowed answers them with 400.
    if not validate_host(host, settings.ALLOWED_HOSTS):
        yield Error(
            f"SITE_URL is {settings.SITE_URL!r}, and its host is not in ALLOWED_HOSTS.",
            hint=f"Set ALLOWED_HOSTS={host} (and every other name the site is reached by).",
            id="labels.E005",
        )
    if settings.X_ACCEL_REDIRECT and not settings.X_ACCEL_REDIRECT.startswith("/"):
        yield Error(
            f"X_ACCEL_REDIRECT is {settings.X_ACCEL_REDIRECT!r}.",
            hint="It is the path of an internal location of the proxy: /files.",
            id="labels.E028",
        )
    if settings.EMAIL_BACKEND == "labels.notices.mail_files.EmailBackend" and not _is_local():
        yield Warning(
            f"SITE_URL is {settings.SITE_URL!r}, but mail is only written to {settings.MAIL_DIR}.",
            hint="Set EMAIL_URL, for example smtp+tls://user:password@mail.example.com:587.",
            id="labels.W001",
        )


def _is_local():
    return (urlsplit(settings.SITE_URL).hostname or "") in {"127.0.0.1", "localhost", "::1"}


@register()
def check_queue_and_topic(app_configs, **kwargs):
    # An unknown kind of queue stops the start in settings.py; here the kind is known.
    pattern, hint = _QUEUES[urlsplit(settings.QUEUE_URL).scheme]
    if not re.fullmatch(pattern, settings.QUEUE_URL):
        # The address of a Redis may hold its password.
        shown = re.sub("//[^/]*@", "//…@", settings.QUEUE_URL)
        yield Error(f"QUEUE_URL is {shown!r}.", hint=hint, id="labels.E006")
    topic = r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}"
    if settings.SNS_TOPIC_ARN and not re.fullmatch(topic, settings.SNS_TOPIC_ARN):
        yield Error(
            f"SNS_TOPIC_ARN is {settings.SNS_TOPIC_ARN!r}.",
            hint="It is the ARN of a standard topic: arn:aws:sns:eu-west-1:123456789012:photomgr.",
            id="labels.E023",
        )


@register()
def check_buckets(app_configs, **kwargs):
    photos, bundles = settings.PHOTOS_BUCKET, settings.BUNDLES_BUCKET
    if bool(photos) != bool(bundles):
        yield Error(
            f"PHOTOS_BUCKET is {photos!r} and BUNDLES_BUCKET is {bundles!r}.",
            hint="Set both, or none: what lies in local files cannot be reached by other machines.",
            id="labels.E020",
        )
    elif photos and photos == bundles:
        yield Error(
            f"PHOTOS_BUCKET and BUNDLES_BUCKET are both {photos!r}.",
            hint="Take two buckets: rules that remove old archives shall never come near photos.",
            id="labels.E021",
        )
    # One PUT takes no more; a part of an upload is no smaller than 5 MiB (but the last).
    most = 5 * 1024**3
    for bucket, name, least in (
        (photos, "UPLOAD_MAX_BYTES", 1),
        (bundles, "BUNDLE_CHUNK_BYTES", 5 * 1024**2),
    ):
        if bucket and not least <= getattr(settings, name) <= most:
            yield Error(
                f"{name} is {getattr(settings, name)}, and S3 takes {least:,} to {most:,} bytes at once.",
                hint="Choose a number within these limits.",
                id="labels.E022",
            )


@register()
def check_regions(app_configs, **kwargs):
    if settings.LABELS_DETECTOR != "rekognition":
        return
    regions, published = settings.REKOGNITION_REGIONS, quotas.published()
    known = [region for region in regions if re.fullmatch(REGION, region)]
    wrong = [name for name, rate in regions.items() if name not in known or (rate is not None and rate <= 0)]
    if wrong or not regions:
        problem = f"names {', '.join(wrong)} wrongly" if wrong else "is empty"
        yield Error(
            f"REKOGNITION_REGIONS {problem}.",
            hint="Set the Regions and their calls per second: us-east-1=50,us-west-2=50.",
            id="labels.E030",
        )
    for region in known:
        if region not in published:
            yield Warning(
                f"REKOGNITION_REGIONS names {region}, where Amazon publishes no quota for DetectLabels.",
                hint=f"It publishes one for {', '.join(published)}.",
                id="labels.W030",
            )
    residency = settings.REKOGNITION_RESIDENCY
    groups = {published.get(region, {}).get("group") for region in regions}
    # Photos that may be sent nowhere would wait for ever.
    if residency and not {residency, None} & groups:
        yield Error(
            f"REKOGNITION_RESIDENCY is {residency!r}, and REKOGNITION_REGIONS names no Region of that group.",
            hint=f"Their groups: {', '.join(sorted(groups)) or 'none'}.",
            id="labels.E033",
        )


@register()
def check_calls(app_configs, **kwargs):
    further = set(quotas.OPERATIONS) - {"DetectLabels"}
    for operation in settings.REKOGNITION_ALSO:
        if operation not in further:
            yield Error(
                f"REKOGNITION_ALSO names {operation!r}.",
                hint=f"It may name {', '.join(sorted(further))}.",
                id="labels.E031",
            )
    # regions.throttling probes again after 20 s, and calls about a photo end 30 s into its lease of 60.
    if not 0 < settings.REKOGNITION_TIMEOUT <= 15:
        yield Error(
            f"REKOGNITION_TIMEOUT is {settings.REKOGNITION_TIMEOUT}.",
            hint="It is a number of seconds, more than 0 and at most 15.",
            id="labels.E035",
        )
    if settings.LABELS_DETECTOR != "rekognition" or settings.REKOGNITION_IMAGE == "bytes":
        return
    choices = SETTINGS["REKOGNITION_IMAGE"].choices
    if settings.REKOGNITION_IMAGE not in choices:
        problem, hint = f"is {settings.REKOGNITION_IMAGE!r}", f"It may be {' or '.join(choices)}."
    elif not settings.PHOTOS_BUCKET:
        problem = "is s3object, and there is no PHOTOS_BUCKET"
        hint = "Set PHOTOS_BUCKET, or leave it at bytes."
    elif len(settings.REKOGNITION_REGIONS) != 1:
        problem = "is s3object, and REKOGNITION_REGIONS does not name exactly one Region"
        hint = "Amazon reads objects only in the bucket's own Region: name that one, or use bytes."
    else:
        return
    yield Error(f"REKOGNITION_IMAGE {problem}.", hint=hint, id="labels.E034")


@register()
def check_budgets(app_configs, **kwargs):
    daily, monthly = settings.REKOGNITION_DAILY_BUDGET, settings.REKOGNITION_MONTHLY_BUDGET
    for name, amount in (("DAILY", daily), ("MONTHLY", monthly)):
        if amount is not None and not amount >= 0:
            yield Error(
                f"REKOGNITION_{name}_BUDGET is {amount}.",
                hint="It is an amount in US dollars, 0 or more; leave it out for no limit.",
                id="labels.E032",
            )
    if daily is not None and monthly is not None and daily > monthly:
        yield Warning(
            f"REKOGNITION_DAILY_BUDGET is {daily}, more than REKOGNITION_MONTHLY_BUDGET, which is {monthly}.",
            hint="The monthly budget is what counts; make the daily one smaller.",
            id="labels.W031",
        )


@register()
def check_country_codes(app_configs, **kwargs):
    for code in settings.SMS_COUNTRIES:
        if not re.fullmatch(r"\+[1-9][0-9]{0,6}", code):
            yield Error(
                f"SMS_COUNTRIES names {code!r}.",
                hint="It names country codes, with the + and separated by commas: +44,+49.",
                id="labels.E041",
            )


@register()
def check_texts(app_configs, **kwargs):
    if not settings.SMS_REGION:
        return
    # Only who sends texts loads what they are made of.
    from labels.models import Bundle, Notice
    from labels.notices import sms
    from labels.text.phone_numbers import ONE_SMS, places

    if not re.fullmatch(REGION, settings.SMS_REGION):
        yield Error(
            f"SMS_REGION is {settings.SMS_REGION!r}.",
            hint="It is a Region in which Amazon SNS sends SMS: eu-west-1.",
            id="labels.E040",
        )
    # As long as an outcome is ever likely to be.
    longest = Bundle(pk=10**9, photo_count=2_000_000, photos_done=1_000_000)
    needed = places(sms.text(Notice(bundle=longest, outcome=Notice.Outcome.PARTIAL)))
    if needed is None or needed > ONE_SMS:
        problem = f"makes texts of {needed} places" if needed else "has characters that no SMS of 160 has"
        yield Error(
            f"SITE_URL is {settings.SITE_URL!r}, which {problem}; there are {ONE_SMS} in one.",
            hint="Choose a shorter address, in plain letters (xn--… for others).",
            id="labels.E042",
        )
    if _is_local():
        yield Warning(
            f"SMS_REGION is set, and SITE_URL is {settings.SITE_URL!r}: a phone cannot open that.",
            hint="Set SITE_URL to the address people reach the site by.",
            id="labels.W040",
        )
    if not settings.SMS_COUNTRIES:
        yield Warning(
            "SMS_REGION is set and SMS_COUNTRIES is not: an account may have texts sent anywhere.",
            hint="Set the country codes of your people: SMS_COUNTRIES=+44,+49.",
            id="labels.W041",
        )
