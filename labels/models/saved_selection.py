from django.conf import settings
from django.db import models

from labels.text.names import fold


class SavedSelection(models.Model):
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_selections"
    )
    name = models.CharField(max_length=80)
    key = models.CharField(max_length=240, editable=False)
    selection = models.JSONField()
    part_bytes = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="saved_selection_once_per_name")]

    def __str__(self):
        return self.name

    def save(self, **options):
        self.key = fold(self.name)
        super().save(**options)
