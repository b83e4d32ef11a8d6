from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """A browser's session, with what tells its owner which one it is."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="sessions"
    )
    signed_in_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)
    device = models.CharField(max_length=200, blank=True, help_text="The User-Agent of the browser.")

    @classmethod
    def get_session_store_class(cls):
        from photomgr.accounts.sessions import SessionStore

        return SessionStore


class RateCount(models.Model):
    """How often something was done within a span of time that ends at `ends_at`."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=64, help_text="An account, an address, or the hash of one.")
    ends_at = models.DateTimeField(db_index=True)
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="one_count_for_each_key")]

    def __str__(self):
        return f"{self.kind} {self.key}: {self.count}"


class CannotChange(Exception):
    """The audit log is only ever written to at its end."""


class _AppendOnly(models.QuerySet):
    def update(self, **fields):
        raise CannotChange(CannotChange.__doc__)

    delete = bulk_update = update


class StaffAction(models.Model):
    """What one of the staff did to things of others. Names, not rows: it outlives whom and what it names."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.CharField(max_length=150)
    actor_number = models.BigIntegerField(help_text="The id of the account.")
    address = models.GenericIPAddressField(null=True)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=300)
    owner = models.CharField(
        max_length=150, blank=True, help_text="Whose it is; nobody's or everyone's when empty."
    )
    count = models.PositiveIntegerField(default=1)

    objects = _AppendOnly.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.actor}: {self.action} {self.subject}"

    def save(self, *args, **kwargs):
        if self.pk:
            raise CannotChange(CannotChange.__doc__)
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise CannotChange(CannotChange.__doc__)
