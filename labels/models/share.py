from django.db import models
from django.db.models import F
from django.utils import timezone


class ShareQuerySet(models.QuerySet):
    def usable(self):
        """Return the links that lead to archives that are still kept."""
        now = timezone.now()
        return self.filter(
            revoked_at=None,
            expires_at__gt=now,
            bundle__expires_at__gt=now,
            bundle__status__in=self.model.bundle.field.related_model.DOWNLOADABLE,
        )

    def count_use(self, name):
        """Add one to `opened` or `downloaded`."""
        self.update(**{name: F(name) + 1}, last_used_at=timezone.now())


class Share(models.Model):
    """A link to a download for people without an account; labels/bundles/shares.py makes its token."""

    bundle = models.ForeignKey("labels.Bundle", on_delete=models.CASCADE, related_name="shares")
    nonce = models.CharField(max_length=32, editable=False)
    password = models.CharField(max_length=128, blank=True, editable=False, help_text="Hashed; empty: none.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    opened = models.PositiveIntegerField(default=0, help_text="How often its page was opened.")
    downloaded = models.PositiveIntegerField(default=0, help_text="How often an archive was begun.")
    last_used_at = models.DateTimeField(null=True)

    objects = ShareQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)

    def __str__(self):
        return f"link {self.pk} to {self.bundle}"
