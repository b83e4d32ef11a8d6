"""System checks of the settings for text messages."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Warning, register

from labels.checks.site import LOCAL_HOSTS
from labels.models import Bundle, Notice
from labels.notices import sms
from labels.text.phone_numbers import ONE_SMS, places
from photomgr.aws import REGION

_COUNTRY = re.compile(r"\+[1-9][0-9]{0,6}")
# As long as an outcome is ever likely to be.
_LONGEST = {"pk": 10**9, "photo_count": 2_000_000, "photos_done": 1_000_000}


@register()
def texts_have_a_region(app_configs, **kwargs):
    if not settings.SMS_REGION or re.fullmatch(REGION, settings.SMS_REGION):
        return []
    return [
        Error(
            f"SMS_REGION is {settings.SMS_REGION!r}.",
            hint="It is a Region in which Amazon SNS sends SMS: eu-west-1.",
            id="labels.E040",
        )
    ]


@register()
def countries_are_codes(app_configs, **kwargs):
    return [
        Error(
            f"SMS_COUNTRIES names {code!r}.",
            hint="It names country codes, with the + and separated by commas: +44,+49.",
            id="labels.E041",
        )
        for code in settings.SMS_COUNTRIES
        if not _COUNTRY.fullmatch(code)
    ]


@register()
def texts_fit_one_sms(app_configs, **kwargs):
    if not settings.SMS_REGION:
        return []
    notice = Notice(bundle=Bundle(**_LONGEST), outcome=Notice.Outcome.PARTIAL)
    needed = places(sms.text(notice))
    if needed is not None and needed <= ONE_SMS:
        return []
    said = f"makes texts of {needed} places" if needed else "has characters that no SMS of 160 has"
    return [
        Error(
            f"SITE_URL is {settings.SITE_URL!r}, which {said}; there are {ONE_SMS} in one.",
            hint="Choose a shorter address, in plain letters (xn--… for others).",
            id="labels.E042",
        )
    ]


@register()
def texts_lead_to_a_site(app_configs, **kwargs):
    if not settings.SMS_REGION or (urlsplit(settings.SITE_URL).hostname or "") not in LOCAL_HOSTS:
        return []
    return [
        Warning(
            f"SMS_REGION is set, and SITE_URL is {settings.SITE_URL!r}: a phone cannot open that.",
            hint="Set SITE_URL to the address people reach the site by.",
            id="labels.W040",
        )
    ]


@register()
def any_country_is_meant(app_configs, **kwargs):
    if not settings.SMS_REGION or settings.SMS_COUNTRIES:
        return []
    return [
        Warning(
            "SMS_REGION is set and SMS_COUNTRIES is not: an account may have texts sent anywhere.",
            hint="Set the country codes of your people: SMS_COUNTRIES=+44,+49.",
            id="labels.W041",
        )
    ]
