from django.db import models


class Action(models.Model):
    """A target of notifications: an SNS topic, or another CloudWatch accepts, under a name people know."""

    name = models.CharField(max_length=80, unique=True)
    arn = models.CharField(max_length=1024, unique=True, help_text="arn:aws:sns:us-east-1:123456789012:name")

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name
