from functools import partial

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from photomgr.aws import REGION


class RegionQuotaQuerySet(models.QuerySet):
    def used(self):
        operations = ("DetectLabels", *settings.REKOGNITION_ALSO)
        return self.filter(region__in=settings.REKOGNITION_REGIONS, operation__in=operations)

    def allowed(self, operation, residency):
        """Return the rows a call may go through; an empty residency allows every Region that is used."""
        rows = self.used().filter(operation=operation, enabled=True)
        return rows.filter(group=residency) if residency else rows


class RegionQuota(models.Model):
    """How fast one operation may be called in one Region, and what became of its calls.

    All workers of all machines share these rows, which `detectors.rekognition.regions.throttling` changes.
    """

    region = models.CharField(
        max_length=32, validators=[RegexValidator(rf"^{REGION}$", "A Region is written like us-east-1.")]
    )
    operation = models.CharField(max_length=40)
    group = models.CharField(
        "residency group", max_length=16, help_text="Accounts with this residency may be served here."
    )
    quota = models.FloatField(
        validators=[MinValueValidator(0.01)], help_text="Calls per second Amazon allows this account."
    )
    configured = models.FloatField(
        null=True, editable=False, help_text="What REKOGNITION_REGIONS said when it was last followed."
    )
    price_micros = models.PositiveIntegerField(
        "price", default=0, help_text="Millionths of a US dollar for one call."
    )
    enabled = models.BooleanField(default=True, help_text="Untick to keep photos out of this Region.")

    # The limiter's state; moments in seconds of the database's clock.
    next_at = models.FloatField(default=0, editable=False)  # the first moment that is not handed out yet
    granted_at = models.FloatField(default=0, editable=False)
    ramp_at = models.FloatField(default=0, editable=False)  # when it began to rise after idling
    factor = models.FloatField(default=1, editable=False)  # of the quota, lowered by throttles
    factor_at = models.FloatField(default=0, editable=False)
    decreased_at = models.FloatField(default=0, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)  # in a row
    opened_at = models.FloatField(default=0, editable=False)
    open_until = models.FloatField(default=0, editable=False)  # the breaker lets no call through before
    recent = models.FloatField(default=0, editable=False)  # permits per second, at granted_at

    throttles = models.PositiveBigIntegerField(default=0, editable=False)
    throttled_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=200, blank=True, editable=False)
    refused = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Why Amazon refuses us here; empty when not."
    )

    objects = RegionQuotaQuerySet.as_manager()

    class Meta:
        verbose_name = "Region quota"
        constraints = [
            models.UniqueConstraint(fields=["region", "operation"], name="region_quota_once"),
            models.CheckConstraint(condition=Q(quota__gt=0), name="region_quota_positive"),
        ]

    def __str__(self):
        return f"{self.operation} in {self.region}"


class Residency(models.Model):
    """Where the photos of one account may be sent; an account without one follows the installation."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="residency")
    group = models.CharField(max_length=16, help_text="Only Regions of this group, for example eu.")

    class Meta:
        verbose_name_plural = "residencies"

    def __str__(self):
        return f"{self.owner}: {self.group}"

    def clean(self):
        known = sorted(set(RegionQuota.objects.values_list("group", flat=True)))
        if self.group not in known:
            reason = f"There is no Region in {self.group!r}; groups are {', '.join(known)}."
            raise ValidationError({"group": reason})


class Spending(models.Model):
    """What Rekognition has cost on one day: counted with the permit, before the call."""

    day = models.DateField(unique=True)
    calls = models.PositiveIntegerField(default=0)
    micros = models.BigIntegerField(default=0, help_text="Millionths of a US dollar.")

    class Meta:
        verbose_name_plural = "spending"

    def __str__(self):
        return f"{self.day}: {self.calls} calls"


_Amount = partial(
    models.DecimalField,
    max_digits=12,
    decimal_places=2,
    null=True,
    blank=True,
    validators=[MinValueValidator(0)],
)


class Budget(models.Model):
    """What may be spent on Rekognition: one row; an amount in it goes before the setting of the same name."""

    ONLY = 1

    daily = _Amount("daily budget", help_text="US dollars; empty: what REKOGNITION_DAILY_BUDGET says.")
    monthly = _Amount("monthly budget", help_text="US dollars; empty: what REKOGNITION_MONTHLY_BUDGET says.")

    class Meta:
        verbose_name_plural = "budget"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="budget_only_one"),
            models.CheckConstraint(condition=Q(daily__gte=0) | Q(daily=None), name="budget_daily_positive"),
            models.CheckConstraint(
                condition=Q(monthly__gte=0) | Q(monthly=None), name="budget_monthly_positive"
            ),
        ]

    def __str__(self):
        return "Budget for Amazon Rekognition"
