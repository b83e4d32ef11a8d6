"""Where alarms live: Amazon CloudWatch, or our own database."""

from django.conf import settings

from alarms.backends.base import Backend, BackendError
from alarms.backends.cloudwatch import CloudWatch
from alarms.backends.local import Local

__all__ = ["Backend", "BackendError", "backend_for"]

_BACKENDS = {backend.name: backend for backend in (Local, CloudWatch)}


def backend_for(region=""):
    """Return the configured backend for a Region; empty is the one boto3 is configured for."""
    return _BACKENDS[settings.ALARMS_BACKEND](region)
