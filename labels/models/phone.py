from datetime import timedelta

from django.conf import settings
from django.db import models

from labels.text.phone_numbers import masked

# Of one code: how long it is good, and how often it may be typed.
CODE_LIFE = timedelta(minutes=10)
TRIES = 5


class Phone(models.Model):
    """The number a person has proved to be theirs, and whether they want texts there."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="phone")
    number = models.CharField(max_length=16)
    wanted = models.BooleanField("texts wanted", default=True)
    verified_at = models.DateTimeField()
    trouble = models.CharField(max_length=200, blank=True, help_text="Why texts were turned off for them.")

    def __str__(self):
        return masked(self.number)


class PhoneCodeQuerySet(models.QuerySet):
    def waiting(self, now):
        """Return the codes that may still be typed; there is one for each account at most."""
        return self.exclude(number="").filter(created_at__gt=now - CODE_LIFE)


class PhoneCode(models.Model):
    """A code that was texted, kept for a day to count by.

    The number stands in it only until the code is used, replaced or too old; after that a keyed digest
    says no more than that it is the same number again.
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


class TextCount(models.Model):
    """How many texts were sent on a day: by one account, or by all (no owner)."""

    day = models.DateField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    sent = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "owner"], name="text_count_once"),
            models.UniqueConstraint(
                fields=["day"], condition=models.Q(owner=None), name="text_count_once_of_all"
            ),
        ]

    def __str__(self):
        return f"{self.day}, {self.owner or 'all'}"
