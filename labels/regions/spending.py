"""The budget: what calls cost, counted before they are made, so that it cannot be overspent."""

from datetime import datetime, time, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import F, Sum
from django.utils import timezone

from labels.models import Spending

MICROS = 1_000_000
# What a photo that waits for the next day or month has as its failure_code.
CODES = ("budget_day", "budget_month")


class BudgetSpent(Exception):
    """The day's or the month's budget allows no further call; `seconds` until it does."""

    def __init__(self, reason: str, code: str, seconds: float):
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.seconds = seconds


def reserve(count, price):
    """Count up to `count` calls of `price` micros as made; return (how many, the day they are counted on).

    Call it in the transaction that hands out the permits, which is undone when it raises BudgetSpent:
    not one call is left.
    """
    day = timezone.localdate()
    # This locks the day's row: two workers could otherwise share the last cent.
    _add(day, count, price)
    asked = count
    for limit, first, words, code, over in _limits(day):
        left = int(limit * MICROS) - spent(first, day) + asked * price
        count = min(count, left // price) if price else count
        if count < 1:
            raise BudgetSpent(_reason(words, limit), code, _seconds_until(over))
    if count < asked:
        _add(day, count - asked, price)
    return count, day


def give_back(permits):
    """Take permits that were not used, or whose call Amazon does not bill, out of what was spent."""
    for permit in permits:
        Spending.objects.filter(day=permit.day, calls__gt=0).update(
            calls=F("calls") - 1, micros=F("micros") - permit.price
        )


def spent(first, last):
    """Return the micros spent from the first to the last day."""
    return Spending.objects.filter(day__range=(first, last)).aggregate(all=Sum("micros", default=0))["all"]


def summary():
    """Return what was spent today and this month, in dollars, beside the budgets (None: no limit)."""
    day = timezone.localdate()
    return {
        "today": Decimal(spent(day, day)) / MICROS,
        "month": Decimal(spent(day.replace(day=1), day)) / MICROS,
        "daily_budget": settings.REKOGNITION_DAILY_BUDGET,
        "monthly_budget": settings.REKOGNITION_MONTHLY_BUDGET,
    }


def _add(day, count, price):
    today = Spending.objects.filter(day=day)
    more = {"calls": F("calls") + count, "micros": F("micros") + count * price}
    if not today.update(**more):
        Spending.objects.get_or_create(day=day)
        today.update(**more)


def _limits(day):
    """Yield (dollars, first day, words, code, the day it is over) of the budgets that are set."""
    month = day.replace(day=1)
    if settings.REKOGNITION_DAILY_BUDGET is not None:
        yield settings.REKOGNITION_DAILY_BUDGET, day, "today", CODES[0], day + timedelta(days=1)
    if settings.REKOGNITION_MONTHLY_BUDGET is not None:
        after = (month + timedelta(days=32)).replace(day=1)
        yield settings.REKOGNITION_MONTHLY_BUDGET, month, "this month", CODES[1], after


def _reason(words, limit):
    return (
        f"The budget of ${limit:,.2f} for {words} does not allow another call to Amazon Rekognition; "
        "the photo is labelled when the next one begins or the budget is raised."
    )


def _seconds_until(day):
    begin = timezone.make_aware(datetime.combine(day, time.min))
    return max(1.0, (begin - timezone.now()).total_seconds())
