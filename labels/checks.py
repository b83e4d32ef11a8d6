"""System checks: wrong settings are named at the start, with what to do, not found at night."""

import re
from urllib.parse import urlsplit

from django.http.request import validate_host
from PIL import features

from labels import detectors
from labels.detectors.rekognition.regions import quotas
from photomgr.aws import REGION
from photomgr.checks import register_settings_checks
from photomgr.environment import SETTINGS

_LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1"}
_TOPIC = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")
_COUNTRY = re.compile(r"\+[1-9][0-9]{0,6}")
# One PUT of S3 takes no more; a part of an upload no less (but the last).
_PUT_BYTES, _PART_BYTES = 5 * 1024**3, 5 * 1024**2
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
# As long as an outcome is ever likely to be.
_LONGEST = {"pk": 10**9, "photo_count": 2_000_000, "photos_done": 1_000_000}


def _host(s):
    return urlsplit(s.SITE_URL).hostname or ""


def _missing_formats(s):
    missing = [name for name in ("jpg", "zlib", "webp", "libtiff", "littlecms2") if not features.check(name)]
    return [{"missing": ", ".join(missing)}] if missing else []


def _below_minimum(s):
    least = {name: row.minimum for name, row in SETTINGS.items() if row.minimum is not None}
    values = {name: getattr(s, name) for name in least}
    return [{"name": n, "value": v, "least": least[n]} for n, v in values.items() if v < least[n]]


def _queue_address(s):
    """An unknown kind of queue stops the start in settings.py; here the kind is known."""
    pattern, hint = _QUEUES[urlsplit(s.QUEUE_URL).scheme]
    if re.fullmatch(pattern, s.QUEUE_URL):
        return []
    # The address of a Redis may hold its password.
    return [{"shown": re.sub("//[^/]*@", "//…@", s.QUEUE_URL), "hint": hint}]


def _sizes_beyond_s3(s):
    limits = []
    if s.PHOTOS_BUCKET:
        limits.append(("UPLOAD_MAX_BYTES", 1, _PUT_BYTES))
    if s.BUNDLES_BUCKET:
        limits.append(("BUNDLE_CHUNK_BYTES", _PART_BYTES, _PUT_BYTES))
    return [
        {"name": name, "value": getattr(s, name), "least": least, "most": most}
        for name, least, most in limits
        if not least <= getattr(s, name) <= most
    ]


def _rekognition(s):
    return s.LABELS_DETECTOR == "rekognition"


def _wrong_regions(s):
    wrong = [
        region
        for region, rate in s.REKOGNITION_REGIONS.items()
        if not re.fullmatch(REGION, region) or (rate is not None and rate <= 0)
    ]
    if not _rekognition(s) or (s.REKOGNITION_REGIONS and not wrong):
        return []
    return [{"said": f"names {', '.join(wrong)} wrongly" if wrong else "is empty"}]


def _regions_without_quota(s):
    if not _rekognition(s):
        return []
    published = quotas.published()
    unknown = [region for region in s.REKOGNITION_REGIONS if region not in published]
    return [
        {"region": region, "published": ", ".join(published)}
        for region in unknown
        if re.fullmatch(REGION, region)
    ]


def _unknown_operations(s):
    known = set(quotas.OPERATIONS) - {"DetectLabels"}
    return [
        {"operation": operation, "known": ", ".join(sorted(known))}
        for operation in s.REKOGNITION_ALSO
        if operation not in known
    ]


def _negative_budgets(s):
    budgets = {name: getattr(s, name) for name in ("REKOGNITION_DAILY_BUDGET", "REKOGNITION_MONTHLY_BUDGET")}
    return [
        {"name": name, "value": value}
        for name, value in budgets.items()
        if value is not None and not value >= 0
    ]


def _day_above_month(s):
    daily, monthly = s.REKOGNITION_DAILY_BUDGET, s.REKOGNITION_MONTHLY_BUDGET
    return daily is not None and monthly is not None and daily > monthly


def _residency_without_region(s):
    """Photos that may be sent nowhere would wait for ever."""
    group = s.REKOGNITION_RESIDENCY
    if not _rekognition(s) or not group:
        return []
    groups = {quotas.published().get(region, {}).get("group") for region in s.REKOGNITION_REGIONS}
    return [] if {group, None} & groups else [{"groups": ", ".join(sorted(groups)) or "none"}]


def _image_in_s3(s):
    if not _rekognition(s) or s.REKOGNITION_IMAGE == "bytes":
        return []
    known = SETTINGS["REKOGNITION_IMAGE"].choices
    if s.REKOGNITION_IMAGE not in known:
        said, hint = f"is {s.REKOGNITION_IMAGE!r}", f"It may be {' or '.join(known)}."
    elif not s.PHOTOS_BUCKET:
        said, hint = "is s3object, and there is no PHOTOS_BUCKET", "Set PHOTOS_BUCKET, or leave it at bytes."
    elif len(s.REKOGNITION_REGIONS) != 1:
        said = "is s3object, and REKOGNITION_REGIONS does not name exactly one Region"
        hint = "Amazon reads objects only in the bucket's own Region: name that one, or use bytes."
    else:
        return []
    return [{"said": said, "hint": hint}]


def _long_texts(s):
    if not s.SMS_REGION:
        return []
    # Only who sends texts loads what they are made of.
    from labels.models import Bundle, Notice
    from labels.notices import sms
    from labels.text.phone_numbers import ONE_SMS, places

    notice = Notice(bundle=Bundle(**_LONGEST), outcome=Notice.Outcome.PARTIAL)
    needed = places(sms.text(notice))
    if needed is not None and needed <= ONE_SMS:
        return []
    said = f"makes texts of {needed} places" if needed else "has characters that no SMS of 160 has"
    return [{"said": said, "places": ONE_SMS}]


register_settings_checks(
    (
        (
            "labels.E001",
            lambda s: s.LABELS_DETECTOR not in detectors.NAMES,
            "LABELS_DETECTOR is {s.LABELS_DETECTOR!r}.",
            f"It may be one of {', '.join(detectors.NAMES)}.",
        ),
        (
            "labels.E002",
            _missing_formats,
            "Pillow was built without {missing}.",
            "Install Pillow's wheel from PyPI, or build it with these libraries.",
        ),
        (
            "labels.E003",
            _below_minimum,
            "{name} is {value}.",
            "It must be {least} or more.",
        ),
        (
            "labels.E004",
            lambda s: not 0 <= s.LABELS_MIN_CONFIDENCE <= 100,
            "LABELS_MIN_CONFIDENCE is {s.LABELS_MIN_CONFIDENCE}.",
            "It is a percentage, 0 to 100.",
        ),
        (
            # The links in mails lead to SITE_URL; a host that is not allowed answers them with 400.
            "labels.E005",
            lambda s: [] if validate_host(_host(s), s.ALLOWED_HOSTS) else [{"host": _host(s)}],
            "SITE_URL is {s.SITE_URL!r}, and its host is not in ALLOWED_HOSTS.",
            "Set ALLOWED_HOSTS={host} (and every other name the site is reached by).",
        ),
        ("labels.E006", _queue_address, "QUEUE_URL is {shown!r}.", "{hint}"),
        (
            "labels.W001",
            lambda s: (
                s.EMAIL_BACKEND == "labels.notices.mail_files.EmailBackend" and _host(s) not in _LOCAL_HOSTS
            ),
            "SITE_URL is {s.SITE_URL!r}, but mail is only written to {s.MAIL_DIR}.",
            "Set EMAIL_URL, for example smtp+tls://user:password@mail.example.com:587.",
        ),
        (
            "labels.E020",
            lambda s: bool(s.PHOTOS_BUCKET) != bool(s.BUNDLES_BUCKET),
            "PHOTOS_BUCKET is {s.PHOTOS_BUCKET!r} and BUNDLES_BUCKET is {s.BUNDLES_BUCKET!r}.",
            "Set both, or none: what lies in local files cannot be reached by other machines.",
        ),
        (
            "labels.E021",
            lambda s: bool(s.PHOTOS_BUCKET) and s.PHOTOS_BUCKET == s.BUNDLES_BUCKET,
            "PHOTOS_BUCKET and BUNDLES_BUCKET are both {s.PHOTOS_BUCKET!r}.",
            "Take two buckets: rules that remove old archives shall never come near photos.",
        ),
        (
            "labels.E022",
            _sizes_beyond_s3,
            "{name} is {value}, and S3 takes {least:,} to {most:,} bytes at once.",
            "Choose a number within these limits.",
        ),
        (
            "labels.E023",
            lambda s: bool(s.SNS_TOPIC_ARN) and not _TOPIC.fullmatch(s.SNS_TOPIC_ARN),
            "SNS_TOPIC_ARN is {s.SNS_TOPIC_ARN!r}.",
            "It is the ARN of a standard topic: arn:aws:sns:eu-west-1:123456789012:photomgr.",
        ),
        (
            "labels.E030",
            _wrong_regions,
            "REKOGNITION_REGIONS {said}.",
            "Set the Regions and their calls per second: us-east-1=50,us-west-2=50.",
        ),
        (
            "labels.W030",
            _regions_without_quota,
            "REKOGNITION_REGIONS names {region}, where Amazon publishes no quota for DetectLabels.",
            "It publishes one for {published}.",
        ),
        (
            "labels.E031",
            _unknown_operations,
            "REKOGNITION_ALSO names {operation!r}.",
            "It may name {known}.",
        ),
        (
            "labels.E032",
            _negative_budgets,
            "{name} is {value}.",
            "It is an amount in US dollars, 0 or more; leave it out for no limit.",
        ),
        (
            "labels.W031",
            _day_above_month,
            "REKOGNITION_DAILY_BUDGET is {s.REKOGNITION_DAILY_BUDGET}, more than "
            "REKOGNITION_MONTHLY_BUDGET, which is {s.REKOGNITION_MONTHLY_BUDGET}.",
            "The monthly budget is what counts; make the daily one smaller.",
        ),
        (
            "labels.E033",
            _residency_without_region,
            "REKOGNITION_RESIDENCY is {s.REKOGNITION_RESIDENCY!r}, and REKOGNITION_REGIONS names no Region "
            "of that group.",
            "Their groups: {groups}.",
        ),
        ("labels.E034", _image_in_s3, "REKOGNITION_IMAGE {said}.", "{hint}"),
        (
            # `regions.throttling` probes again after 20 s; calls about a photo end 30 s into its lease of 60.
            "labels.E035",
            lambda s: not 0 < s.REKOGNITION_TIMEOUT <= 15,
            "REKOGNITION_TIMEOUT is {s.REKOGNITION_TIMEOUT}.",
            "It is a number of seconds, more than 0 and at most 15.",
        ),
        (
            "labels.E040",
            lambda s: bool(s.SMS_REGION) and not re.fullmatch(REGION, s.SMS_REGION),
            "SMS_REGION is {s.SMS_REGION!r}.",
            "It is a Region in which Amazon SNS sends SMS: eu-west-1.",
        ),
        (
            "labels.E041",
            lambda s: [{"code": code} for code in s.SMS_COUNTRIES if not _COUNTRY.fullmatch(code)],
            "SMS_COUNTRIES names {code!r}.",
            "It names country codes, with the + and separated by commas: +44,+49.",
        ),
        (
            "labels.E042",
            _long_texts,
            "SITE_URL is {s.SITE_URL!r}, which {said}; there are {places} in one.",
            "Choose a shorter address, in plain letters (xn--… for others).",
        ),
        (
            "labels.W040",
            lambda s: bool(s.SMS_REGION) and _host(s) in _LOCAL_HOSTS,
            "SMS_REGION is set, and SITE_URL is {s.SITE_URL!r}: a phone cannot open that.",
            "Set SITE_URL to the address people reach the site by.",
        ),
        (
            "labels.W041",
            lambda s: bool(s.SMS_REGION) and not s.SMS_COUNTRIES,
            "SMS_REGION is set and SMS_COUNTRIES is not: an account may have texts sent anywhere.",
            "Set the country codes of your people: SMS_COUNTRIES=+44,+49.",
        ),
    )
)
