"""Packs: ready guards for this application's own metrics, an S3 bucket, an SQS queue, an RDS instance.

`pack_files/NAME.toml` holds one each. A bound or band that makes no sense there is made all the same and
switched off, `off` being the reason: nobody has to wonder why it is missing.
"""

import tomllib
from pathlib import Path

from django.conf import settings

from alarms.config.guards import Band, Bound, create_guard
from alarms.config.metric_rows import metric_of

_FILES = Path(__file__).parent / "pack_files"
OWN = "photomgr"
NAMES = (OWN, *sorted(path.stem for path in _FILES.glob("*.toml") if path.stem != OWN))


def make_guards(alarm_set, pack, resource=""):
    """Create the guards of a pack in a set and return them; guards and alarms that exist stay as they are.

    resource: the name of the bucket, queue or instance; none for the application's own pack.
    """
    document = tomllib.loads((_FILES / f"{pack}.toml").read_text())
    prefix = f"{resource}-" if resource else ""
    return [
        create_guard(
            alarm_set,
            _metric(document, guard, {"namespace": settings.ALARMS_NAMESPACE, "id": resource, **names}),
            f"{prefix}{guard['name'].format(**names)}"[:100],
            _bound(**guard["floor"]),
            _bound(**guard["ceiling"]),
            _band(**guard.get("band", {})),
            guard.get("period", 60),
        )
        for guard in document["guard"]
        for names in (_regions() if guard.get("each") == "region" else [{}])
    ]


def _regions():
    return [{"region": region} for region in sorted(settings.REKOGNITION_REGIONS)]


def _metric(document, guard, names):
    dimensions = guard.get("dimensions") or document.get("dimensions", {})
    single = {
        "Namespace": document["namespace"].format(**names),
        "MetricName": guard["metric"],
        "Dimensions": [{"Name": name, "Value": text.format(**names)} for name, text in dimensions.items()],
    }
    bounds = {"natural_min": 0.0, "natural_max": guard.get("natural_max")}
    return metric_of(single, guard["stat"], kind=guard["kind"], **bounds)


def _bound(off=None, **given):
    return Bound(**given) if off is None else Bound(0.0, off, off=True)


def _band(off=None, **given):
    return Band(**given) if off is None else Band(**given, reason=off, off=True)
