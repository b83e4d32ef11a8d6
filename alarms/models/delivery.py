from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models

from alarms.cloudwatch.constants import ACTION_FIELD_OF
from alarms.models.state import StateChange
from photomgr import outbox


class DeliveryQuerySet(outbox.DeliveryQuerySet):
    def create_for(self, change, definition):
        """Write a delivery for each target of a new change of state; `definition` is the alarm's."""
        targets = [(Delivery.Channel.TOPIC, arn) for arn in definition.get(ACTION_FIELD_OF[change.new]) or []]
        if change.new == "ALARM" or (change.old, change.new) == ("ALARM", "OK"):
            targets = [(Delivery.Channel.MAIL, address) for address in mail_recipients()] + targets
        self.bulk_create(
            Delivery(change=change, channel=channel, target=target)
            for channel, target in dict.fromkeys(targets)
        )


class Delivery(outbox.BaseDelivery):
    change = models.ForeignKey(StateChange, on_delete=models.CASCADE, related_name="deliveries")

    objects = DeliveryQuerySet.as_manager()

    class Meta(outbox.BaseDelivery.Meta):
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["change", "channel", "target"], name="alarm_delivery_once")
        ]

    def as_action(self):
        """Return {"arn", "outcome", "error"}, the outcome of a silenced one being what silenced it."""
        arn = f"mailto:{self.target}" if self.channel == self.Channel.MAIL else self.target
        if self.status == self.Status.SILENCED:
            return {"arn": arn, "outcome": self.failure_reason, "error": ""}
        return {"arn": arn, "outcome": self.status, "error": self.failure_reason}


def mail_recipients():
    if settings.ALARMS_MAIL_TO:
        return list(settings.ALARMS_MAIL_TO)
    people = get_user_model().objects.filter(is_superuser=True, is_active=True).exclude(email="")
    return sorted(people.values_list("email", flat=True))
