from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AlarmsConfig(AppConfig):
    name = "alarms"
    verbose_name = "Alarms"

    def ready(self):
        from alarms import checks, signals  # noqa: F401 (checks register themselves)

        post_migrate.connect(signals.make_schedules, sender=self, dispatch_uid="alarms.make_schedules")
