"""Import and load once what the programs need: their processes are forks and share its memory."""

import gc
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.template.loader import get_template
from django.urls import get_resolver

from labels import detectors

_MODULES = ("labels.tasks", "alarms.tasks", "labels.workers.cluster", "photomgr.web_server")
_AT_AMAZON = ("PHOTOS_BUCKET", "REKOGNITION_REGIONS", "SNS_TOPIC_ARN", "SMS_REGION")


def warm():
    for name in _MODULES:
        import_module(name)
    # All pages.
    assert get_resolver().url_patterns
    for folder in settings.TEMPLATES[0]["DIRS"]:
        for path in Path(folder).rglob("*.html"):
            get_template(str(path.relative_to(folder)))
    if settings.LABELS_DETECTOR == "local":
        detectors.get_detector()
    if any(getattr(settings, name) for name in _AT_AMAZON):
        import_module("boto3.session")
    # A fork would use the same connection to the server.
    connections.close_all()
    gc.collect()
    # A collection writes into every object that it looks at, which a fork then has for itself.
    gc.freeze()
