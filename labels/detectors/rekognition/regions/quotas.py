"""The rows of the Regions: Amazon's published quotas as data, and what REKOGNITION_REGIONS says of them."""

import tomllib
from functools import cache
from pathlib import Path

from django.conf import settings

from labels.models import Budget, RegionQuota

# They share one published quota: "individual Image data plane operations".
OPERATIONS = ("DetectLabels", "DetectModerationLabels", "DetectText", "RecognizeCelebrities")


@cache
def published():
    """Return {region: {"group", "quota" in calls per second, "price_micros"}}."""
    return tomllib.loads(Path(__file__).with_name("published.toml").read_text())


def follow_settings():
    """Make the rows that are missing, and follow REKOGNITION_REGIONS where it changed; return how many rows.

    A rate in the setting is written to the row once: of setting and admin the later change counts.
    """
    Budget.objects.get_or_create(pk=Budget.ONLY)
    if settings.LABELS_DETECTOR != "rekognition" and RegionQuota.objects.exists():
        return 0
    rows = {(row.region, row.operation): row for row in RegionQuota.objects.all()}
    wanted = dict(published())
    for region, rate in settings.REKOGNITION_REGIONS.items():
        known = wanted.get(region, {"group": region.split("-")[0], "quota": 5.0, "price_micros": 1000})
        wanted[region] = known | ({"quota": rate, "configured": rate} if rate else {})
    missing = [
        RegionQuota(region=region, operation=operation, **values)
        for region, values in wanted.items()
        for operation in OPERATIONS
        if (region, operation) not in rows
    ]
    RegionQuota.objects.bulk_create(missing, ignore_conflicts=True)
    changed = 0
    for row in rows.values():
        rate = settings.REKOGNITION_REGIONS.get(row.region)
        if rate and row.configured != rate:
            changed += RegionQuota.objects.filter(pk=row.pk).update(quota=rate, configured=rate)
    return len(missing) + changed
