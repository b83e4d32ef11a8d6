"""The budget: what calls cost, counted before they are made, so that it cannot be overspent."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from django.conf import settings
from django.db.models import F, Min, Sum
from django.utils import timezone

from labels.detectors.base import RetryLater
from labels.models import Budget, RegionQuota, Spending

MICROS = 1_000_000
# What a photo that waits for the next day or month has as its failure_code.
CODES = ("budget_day", "budget_month")


@dataclass(frozen=True)
class Limit:
    """The budget of one day or month, in dollars; None: no limit."""

    words: str
    code: str
    dollars: Decimal | None
    set_in_admin: bool  # not by a setting
    first: date
    over: date  # the day it is over

    def left(self, today):
        """Return the micros that are not spent, less than 0 when too many are; None without a limit."""
        return None if self.dollars is None else int(self.dollars * MICROS) - spent(self.first, today)


def reserve(count, price):
    """Count up to `count` calls of `price` micros as made; return (how many, the day they are counted on).

    Raise RetryLater when the budget allows not one; the caller's transaction is then rolled back.
    """
    day, requested = timezone.localdate(), count
    # This locks the day's row: two workers could otherwise share the last cent.
    _add(day, count, price)
    for limit in limits(day):
        if limit.dollars is None:
            continue
        left = limit.left(day) + requested * price
        count = min(count, left // price) if price else count
        if count < 1:
            end = timezone.make_aware(datetime.combine(limit.over, time.min))
            raise RetryLater(
                f"The budget of ${limit.dollars:,.2f} for {limit.words} does not allow another call to "
                "Amazon Rekognition; the photo is labelled when the next one begins or the budget is raised.",
                limit.code,
                max(1.0, (end - timezone.now()).total_seconds()),
            )
    if count < requested:
        _add(day, count - requested, price)
    return count, day


def refund(permits):
    """Subtract permits that were not used, or whose call Amazon does not bill, from what was spent."""
    for permit in permits:
        Spending.objects.filter(day=permit.day, calls__gt=0).update(
            calls=F("calls") - 1, micros=F("micros") - permit.row.price_micros
        )


def spent(first, last):
    return Spending.objects.filter(day__range=(first, last)).aggregate(all=Sum("micros", default=0))["all"]


def limits(day):
    """Return the Limits of a day and of its month: as the admin says, else as the settings do."""
    row, month = Budget.objects.filter(pk=Budget.ONLY).first() or Budget(), day.replace(day=1)
    next_month = (month + timedelta(days=32)).replace(day=1)
    daily, monthly = settings.REKOGNITION_DAILY_BUDGET, settings.REKOGNITION_MONTHLY_BUDGET
    return [
        Limit(words, code, setting if amount is None else amount, amount is not None, first, over)
        for words, code, amount, setting, first, over in (
            ("today", CODES[0], row.daily, daily, day, day + timedelta(days=1)),
            ("this month", CODES[1], row.monthly, monthly, month, next_month),
        )
    ]


def affordable_calls():
    """Return how many calls of the cheapest kind the budgets have left, None when nothing limits them."""
    if settings.LABELS_DETECTOR != "rekognition":
        return None
    today = timezone.localdate()
    left = [limit.left(today) for limit in limits(today) if limit.dollars is not None]
    price = RegionQuota.objects.used().filter(enabled=True).aggregate(least=Min("price_micros"))["least"]
    return max(0, min(left) // price) if left and price else None


def summary():
    """Return [(Limit, dollars spent, dollars left or None)] of this day and month.

    What is spent is rounded up to the cent and what is left down, so that the two make up the limit.
    """
    today = timezone.localdate()
    return [
        (limit, _dollars(spent(limit.first, today), ROUND_CEILING), _dollars(limit.left(today), ROUND_FLOOR))
        for limit in limits(today)
    ]


def _add(day, count, price):
    today = Spending.objects.filter(day=day)
    more = {"calls": F("calls") + count, "micros": F("micros") + count * price}
    if not today.update(**more):
        Spending.objects.get_or_create(day=day)
        today.update(**more)


def _dollars(micros, rounding):
    return None if micros is None else (Decimal(micros) / MICROS).quantize(Decimal("0.01"), rounding)
