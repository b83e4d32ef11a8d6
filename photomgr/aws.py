"""The one place that builds boto3 clients.

Credentials, profile and endpoints come from the environment as boto3 reads them (`AWS_*`,
`AWS_ENDPOINT_URL` and per service `AWS_ENDPOINT_URL_S3` …). boto3 is imported when it is first needed: it
takes 0.3 s, and the settings import this module.
"""

import os
from functools import lru_cache
from urllib.parse import urlsplit

# The name of a Region, such as us-east-1 or us-gov-west-1.
REGION = r"[a-z]{2}(-[a-z]+)+-\d+"
_RETRIES = {"mode": "standard", "total_max_attempts": 4}
# Rekognition: the Region limiter has to see every throttle, and every attempt needs its own permit.
_ONCE = {"total_max_attempts": 1}
_OPTIONS = {
    "rekognition": {"retries": _ONCE, "connect_timeout": 3},
    # Somebody may be waiting for the code that a text brings.
    "sns": {"connect_timeout": 3, "read_timeout": 10},
    # alarms.backends.cloudwatch keeps to CloudWatch's pace, and repeats in that pace.
    "cloudwatch": {"retries": _ONCE},
    # A mail must not arrive twice because an answer was lost; who sends it tries again where that is safe.
    "sesv2": {"retries": _ONCE},
    "s3": {
        # With an endpoint of one's own botocore signs links the old way, which S3 has given up.
        "signature_version": "s3v4",
        # Other makers' S3 does not know the newer checksum trailers; our CRC-32s are compared anyway.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    },
}
_S3_AT_AMAZON = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}


def client(service, region=None, once=False, seconds=None):
    """Return this process's client of a service; region None is the one boto3 is configured for.

    `once`: the SDK repeats no call, for what must not arrive twice. `seconds` is the longest silence of
    an answer.
    """
    return _client(service, region, once, seconds, os.getpid())


def s3_resource():
    """Return a new boto3 resource (threads share none) around `client("s3")`, for django-storages."""
    return _s3_resource_class()(client=client("s3"))


def config(service, seconds=None):
    """Return the Config of a service's clients, for a library that builds its own.

    `seconds` is the longest that the service may take to connect or to answer.
    """
    from botocore.config import Config

    defaults = {"connect_timeout": 5, "read_timeout": 30, "max_pool_connections": 32, "retries": _RETRIES}
    # What the services log. Putting botocore's own together takes an eighth of what a call costs.
    defaults["user_agent"] = "photomgr"
    timeouts = {"connect_timeout": seconds, "read_timeout": seconds} if seconds else {}
    return Config(**{**defaults, **_OPTIONS.get(service, {}), **timeouts})


def bucket_origin(bucket):
    """Return the origin of links to a bucket's objects, for the Content-Security-Policy; asks nobody."""
    from botocore import UNSIGNED

    # Unsigned: the settings are read where no credentials are, too.
    anyone = _s3(None, {"signature_version": UNSIGNED})
    link = urlsplit(anyone.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "x"}))
    return f"{link.scheme}://{link.netloc}"


@lru_cache
def _client(service, region, once, seconds, pid):
    if service == "s3":
        return _s3(region, {})
    options = {**({"retries": _ONCE} if once else {}), **({"read_timeout": seconds} if seconds else {})}
    return _build(_session(), service, region, options)


def _s3(region, options):
    """Build a client whose links name the bucket's Region at Amazon, and the bucket in the path elsewhere.

    Left to itself botocore signs links to the global host name. That answers with a redirect for a
    bucket that is new, and a browser does not follow one with a file to post.
    """
    session = _session()
    amazons = _build(session, "s3", region, {**options, "s3": _S3_AT_AMAZON})
    if (urlsplit(amazons.meta.endpoint_url).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return amazons
    return _build(session, "s3", region, {**options, "s3": {"addressing_style": "path"}})


@lru_cache
def _s3_resource_class():
    from botocore import UNSIGNED
    from botocore.config import Config

    # boto3 makes the class only together with a client; an unsigned one needs no credentials.
    return type(_session().resource("s3", "us-east-1", config=Config(signature_version=UNSIGNED)))


def _session():
    """Return a session that reads the environment anew, but no description that was read before."""
    import botocore.session
    from boto3.session import Session

    core = botocore.session.get_session()
    core.register_component("data_loader", _descriptions())
    return Session(botocore_session=core)


@lru_cache
def _descriptions():
    """Return what every client reads about its service: of S3 alone that is 12 MB, and 0.1 s."""
    from botocore.loaders import create_loader

    return create_loader(os.environ.get("AWS_DATA_PATH"))


def _build(session, service, region, options):
    from botocore.config import Config

    return session.client(service, region_name=region, config=config(service).merge(Config(**options)))
