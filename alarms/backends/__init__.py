"""Where alarms live: Amazon CloudWatch, or our own database."""

from django.conf import settings
from django.utils.module_loading import import_string

from alarms.backends.base import Backend, BackendError  # noqa: F401 (callers import them from here)

# By path: only who uses CloudWatch loads botocore.
_BACKENDS = {"local": "alarms.backends.local.Local", "cloudwatch": "alarms.backends.cloudwatch.CloudWatch"}


def backend_for(region=""):
    """Return the configured backend for a Region; empty is the one boto3 is configured for."""
    return import_string(_BACKENDS[settings.ALARMS_BACKEND])(region)
