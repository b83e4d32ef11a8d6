from datetime import timedelta

from django.conf import settings
from django.db import models

from labels.text.phone_numbers import masked

# How long a code is valid, and how often it may be typed.
CODE_LIFE = timedelta(minutes=10)
TRIES = 5


class Phone(models.Model):
    """The number that a person has confirmed, and whether they want SMS there."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="phone")
    number = models.CharField(max_length=16)
    wanted = models.BooleanField("SMS wanted", default=True)
    verified_at = models.DateTimeField()
    trouble = models.CharField(max_length=200, blank=True, help_text="Why SMS were turned off.")

    def __str__(self):
        return masked(self.number)


class PhoneCodeQuerySet(models.QuerySet):
    def waiting(self, now):
        """Return the codes that are still valid, at most one for each account."""
        return self.exclude(number="").filter(created_at__gt=now - CODE_LIFE)


class PhoneCode(models.Model):
    """A code that was sent, kept for a day because codes are counted.

    It holds the number only until the code is used, replaced or too old; after that a keyed digest tells no
    more than whether it is the same number again.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="phone_codes")
    number = models.CharField(max_length=16, blank=True)
    number_digest = models.CharField(max_length=64)
    code_digest = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    objects = PhoneCodeQuerySet.as_manager()

    class Meta:
        indexes = [
            # How many codes went to this number lately?
            models.Index(fields=["number_digest", "created_at"], name="phone_code_number"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=~models.Q(number=""), name="phone_code_one_waiting"
            ),
        ]

    def __str__(self):
        return f"{self.owner}, {self.created_at:%Y-%m-%d %H:%M}"


class SmsCount(models.Model):
    """How many SMS were sent on a day: to one account, or to all (no owner)."""

    day = models.DateField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    sent = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "owner"], name="sms_count_once"),
            models.UniqueConstraint(
                fields=["day"], condition=models.Q(owner=None), name="sms_count_once_of_all"
            ),
        ]

    def __str__(self):
        return f"{self.day}, {self.owner or 'all'}"
