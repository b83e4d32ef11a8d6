from django.db import models

from alarms.models.alarm_set import AlarmSet
from alarms.models.metric import Metric


class Guard(models.Model):
    """A metric watched from three sides, because a band never stands alone.

    Its floor, ceiling and band are alarms (`Alarm.guard`, `Alarm.role`); each is switched by its own
    `enabled` and says why in its own `reason`. Made together by `alarms.config.guards.create_guard`.
    """

    alarm_set = models.ForeignKey(AlarmSet, on_delete=models.CASCADE, related_name="guards")
    metric = models.ForeignKey(Metric, on_delete=models.PROTECT, related_name="guards")
    name = models.SlugField(max_length=100, help_text="Alarm names are prefix, this, and the role.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["alarm_set", "name"], name="guard_name_once_per_set")]

    def __str__(self):
        return self.name
