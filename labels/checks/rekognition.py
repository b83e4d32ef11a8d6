"""System checks of the settings for Amazon Rekognition."""

import re

from django.conf import settings
from django.core.checks import Error, Warning, register

from labels.detectors.rekognition.regions import quotas
from photomgr.aws import REGION
from photomgr.environment import SETTINGS


@register()
def rekognition_has_regions(app_configs, **kwargs):
    if settings.LABELS_DETECTOR != "rekognition":
        return []
    wrong = [
        region
        for region, rate in settings.REKOGNITION_REGIONS.items()
        if not re.fullmatch(REGION, region) or (rate is not None and rate <= 0)
    ]
    if settings.REKOGNITION_REGIONS and not wrong:
        return []
    said = f"names {', '.join(wrong)} wrongly" if wrong else "is empty"
    return [
        Error(
            f"REKOGNITION_REGIONS {said}.",
            hint="Set the Regions and their calls per second: us-east-1=50,us-west-2=50.",
            id="labels.E030",
        )
    ]


@register()
def regions_know_the_call(app_configs, **kwargs):
    if settings.LABELS_DETECTOR != "rekognition":
        return []
    return [
        Warning(
            f"REKOGNITION_REGIONS names {region}, where Amazon publishes no quota for DetectLabels.",
            hint=f"It publishes one for {', '.join(quotas.published())}.",
            id="labels.W030",
        )
        for region in settings.REKOGNITION_REGIONS
        if region not in quotas.published() and re.fullmatch(REGION, region)
    ]


@register()
def further_questions_are_known(app_configs, **kwargs):
    known = set(quotas.OPERATIONS) - {"DetectLabels"}
    return [
        Error(
            f"REKOGNITION_ALSO names {operation!r}.",
            hint=f"It may name {', '.join(sorted(known))}.",
            id="labels.E031",
        )
        for operation in settings.REKOGNITION_ALSO
        if operation not in known
    ]


@register()
def budgets_are_amounts(app_configs, **kwargs):
    names = ("REKOGNITION_DAILY_BUDGET", "REKOGNITION_MONTHLY_BUDGET")
    return [
        Error(
            f"{name} is {getattr(settings, name)}.",
            hint="It is an amount in US dollars, 0 or more; leave it out for no limit.",
            id="labels.E032",
        )
        for name in names
        if getattr(settings, name) is not None and not getattr(settings, name) >= 0
    ]


@register()
def a_day_costs_no_more_than_a_month(app_configs, **kwargs):
    daily, monthly = settings.REKOGNITION_DAILY_BUDGET, settings.REKOGNITION_MONTHLY_BUDGET
    if daily is None or monthly is None or daily <= monthly:
        return []
    return [
        Warning(
            f"REKOGNITION_DAILY_BUDGET is {daily}, more than REKOGNITION_MONTHLY_BUDGET, which is {monthly}.",
            hint="The monthly budget is what counts; make the daily one smaller.",
            id="labels.W031",
        )
    ]


@register()
def a_call_ends_before_its_claim(app_configs, **kwargs):
    """`regions.throttling` probes again after 20 s, and calls about a photo end 30 s into its lease of 60."""
    if 0 < settings.REKOGNITION_TIMEOUT <= 15:
        return []
    return [
        Error(
            f"REKOGNITION_TIMEOUT is {settings.REKOGNITION_TIMEOUT}.",
            hint="It is a number of seconds, more than 0 and at most 15.",
            id="labels.E035",
        )
    ]


@register()
def residency_has_a_region(app_configs, **kwargs):
    """Photos that may be sent nowhere would wait for ever."""
    group = settings.REKOGNITION_RESIDENCY
    groups = {quotas.published().get(region, {}).get("group") for region in settings.REKOGNITION_REGIONS}
    if settings.LABELS_DETECTOR != "rekognition" or not group or {group, None} & groups:
        return []
    return [
        Error(
            f"REKOGNITION_RESIDENCY is {group!r}, and REKOGNITION_REGIONS names no Region of that group.",
            hint=f"Their groups: {', '.join(sorted(groups)) or 'none'}.",
            id="labels.E033",
        )
    ]


@register()
def rekognition_reads_what_is_in_s3(app_configs, **kwargs):
    if settings.LABELS_DETECTOR != "rekognition" or settings.REKOGNITION_IMAGE == "bytes":
        return []
    known = SETTINGS["REKOGNITION_IMAGE"].choices
    if settings.REKOGNITION_IMAGE not in known:
        said, hint = f"is {settings.REKOGNITION_IMAGE!r}", f"It may be {' or '.join(known)}."
    elif not settings.PHOTOS_BUCKET:
        said, hint = "is s3object, and there is no PHOTOS_BUCKET", "Set PHOTOS_BUCKET, or leave it at bytes."
    elif len(settings.REKOGNITION_REGIONS) != 1:
        said = "is s3object, and REKOGNITION_REGIONS does not name exactly one Region"
        hint = "Amazon reads objects only in the bucket's own Region: name that one, or use bytes."
    else:
        return []
    return [Error(f"REKOGNITION_IMAGE {said}.", hint=hint, id="labels.E034")]
