"""A person's phone number: confirmed by a code sent to it; its owner may silence, change and remove it.

Whoever can make us send SMS can make us pay for them (and share in it, where numbers are rented for that):
so codes are few, for an account and for a number, whoever requests them.
"""

import logging
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.timesince import timeuntil

from labels.models import Phone, PhoneCode
from labels.models.phone import CODE_LIFE, TRIES
from labels.notices import limits
from labels.notices.sms import BadNumber, send_sms
from photomgr.outbox import OutcomeUnknown, TemporaryFailure

MINUTES = int(CODE_LIFE.total_seconds() // 60)
# How many codes an account may request, and a number may get, within which time.
CODES_AN_HOUR, CODES_A_DAY = 3, 6
_DAY = timedelta(days=1)
_LIMITS = ((CODES_AN_HOUR, timedelta(hours=1), "an hour"), (CODES_A_DAY, _DAY, "a day"))

log = logging.getLogger(__name__)


class NotSent(Exception):
    """No code was sent; the sentence says why and what to do."""


class NotConfirmed(Exception):
    """The number is not confirmed; the sentence says why and what to do."""


def send_code(owner, number):
    """Send a new code to the number, or raise NotSent. Earlier codes become invalid."""
    code = f"{secrets.randbelow(10**6):06}"
    text = f"{code} is your photomgr code, good for {MINUTES} minutes. Nobody else may ask you for it."
    row, day = _store_code(owner, number, code)
    try:
        send_sms(number, text)
    except OutcomeUnknown:
        # It may arrive, and is valid then.
        return
    except (BadNumber, TemporaryFailure) as error:
        limits.uncount_sms(owner, day)
        PhoneCode.objects.filter(pk=row.pk).update(number="")
        if isinstance(error, BadNumber):
            raise NotSent(str(error)) from error
        # Missing rights or SNS's sandbox, for example: nothing that the person could change.
        log.warning("a code could not be sent: %s", error)
        raise NotSent("The code could not be sent just now. Try again in a few minutes.") from error


def confirm_code(owner, code):
    """Store the number that the code was sent to as the owner's, with SMS on; or raise NotConfirmed."""
    row = waiting_code(owner)
    unused = PhoneCode.objects.filter(pk=row and row.pk, tries__lt=TRIES).exclude(number="")
    # Counted before it is compared, so that guesses made at once are limited, too.
    if not unused.update(tries=F("tries") + 1):
        raise NotConfirmed("This code is no longer good. Ask for a new one.")
    if not constant_time_compare(row.code_digest, _digest(row.number, code, owner.pk)):
        left = TRIES - row.tries - 1
        if not left:
            raise NotConfirmed("That was not the code, for the last time. Ask for a new one.")
        raise NotConfirmed(f"That is not the code we sent. You can try {left} more time{'s' * (left > 1)}.")
    _store_phone(owner, row)


def waiting_code(owner):
    return PhoneCode.objects.waiting(timezone.now()).filter(owner=owner).first()


def cancel_code(owner):
    """Make the last code invalid, and forget its number."""
    PhoneCode.objects.filter(owner=owner).exclude(number="").update(number="")


def set_wanted(owner, wanted):
    """Turn SMS on or off; return whether there is a number to do that for."""
    return bool(Phone.objects.filter(owner=owner).update(wanted=wanted, trouble=""))


@transaction.atomic
def forget_phone(owner):
    """Forget the owner's number, and one that waits to be confirmed."""
    cancel_code(owner)
    Phone.objects.filter(owner=owner).delete()


def forget_old_codes(now):
    """Forget numbers that were not confirmed in time, and codes too old to count; return how many."""
    late = PhoneCode.objects.exclude(number="").filter(created_at__lte=now - CODE_LIFE)
    return late.update(number="") + PhoneCode.objects.filter(created_at__lte=now - _DAY).delete()[0]


@transaction.atomic
def _store_code(owner, number, code):
    """Count a code against the limits and store it; return it with the day it is counted on."""
    try:
        day = limits.count_sms(owner)
    except limits.DailyLimitReached as reason:
        raise NotSent(str(reason)) from reason
    now, digest = timezone.now(), _digest(number)
    _check_limits(PhoneCode.objects.filter(owner=owner), "for you", now)
    _check_limits(PhoneCode.objects.filter(number_digest=digest), "to this number", now)
    cancel_code(owner)
    row = PhoneCode.objects.create(
        owner=owner,
        number=number,
        number_digest=digest,
        code_digest=_digest(number, code, owner.pk),
        created_at=now,
    )
    return row, day


def _check_limits(rows, whose, now):
    for most, span, words in _LIMITS:
        lately = rows.filter(created_at__gt=now - span).order_by("-created_at")
        # The last that fills the limit: when it is old enough there is room for one more.
        if filling := lately.values_list("created_at", flat=True)[most - 1 : most].first():
            wait = timeuntil(filling + span, now, depth=1)
            raise NotSent(f"At most {most} codes {words} are sent {whose}. The next one can go in {wait}.")


@transaction.atomic
def _store_phone(owner, row):
    if not PhoneCode.objects.filter(pk=row.pk, number=row.number).update(number=""):
        raise NotConfirmed("This code was used already. Ask for a new one.")
    Phone.objects.update_or_create(
        owner=owner,
        defaults={"number": row.number, "wanted": True, "verified_at": timezone.now(), "trouble": ""},
    )


def _digest(*values):
    return salted_hmac("labels.notices.phones", " ".join(map(str, values)), algorithm="sha256").hexdigest()
