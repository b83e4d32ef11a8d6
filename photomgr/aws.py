"""The one place that builds boto3 clients.

Credentials, profile and endpoints come from the environment as boto3 reads them (`AWS_*`,
`AWS_ENDPOINT_URL` and per service `AWS_ENDPOINT_URL_S3` …).
"""

import os
from functools import lru_cache

import boto3
from botocore.config import Config

_RETRIES = {"mode": "standard", "total_max_attempts": 4}
# Rekognition: the Region limiter has to see every throttle, and every attempt needs its own permit.
_ONCE = {"total_max_attempts": 1}
_OPTIONS = {
    "rekognition": {"retries": _ONCE},
    "s3": {
        # With an endpoint of one's own botocore signs links the old way, which S3 has given up.
        "signature_version": "s3v4",
        # Other makers' S3 does not know the newer checksum trailers; our CRC-32s are compared anyway.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    },
}


def client(service, region=None):
    """Return this process's client of a service; region None is the one boto3 is configured for."""
    return _client(service, region, os.getpid())


@lru_cache
def _client(service, region, pid):
    options = {"connect_timeout": 5, "read_timeout": 30, "max_pool_connections": 32, "retries": _RETRIES}
    return boto3.session.Session().client(
        service, region_name=region, config=Config(**{**options, **_OPTIONS.get(service, {})})
    )
