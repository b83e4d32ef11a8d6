from django.db import migrations, models
from django.utils import timezone


def forget(apps, schema_editor):
    # Within a minute the running clusters write who they are.
    apps.get_model("labels", "WorkerSeen").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("labels", "0011_text_messages")]

    operations = [
        migrations.RunPython(forget, forget),
        migrations.RemoveConstraint("workerseen", "worker_seen_once"),
        migrations.RemoveField("workerseen", "role"),
        migrations.RemoveField("workerseen", "seen_at"),
        migrations.AddField("workerseen", "host", models.CharField(max_length=30, default="")),
        migrations.AddField(
            "workerseen",
            "pid",
            models.PositiveIntegerField(help_text="Of the group of its processes.", default=0),
        ),
        migrations.AlterField("workerseen", "host", models.CharField(max_length=30)),
        migrations.AlterField(
            "workerseen", "pid", models.PositiveIntegerField(help_text="Of the group of its processes.")
        ),
        migrations.AddField(
            "workerseen",
            "started_at",
            models.DateTimeField(default=timezone.now, help_text="Or first seen."),
        ),
        migrations.AddField("workerseen", "worker_at", models.DateTimeField(null=True)),
        migrations.AddField("workerseen", "monitor_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "workerseen",
            models.UniqueConstraint(fields=("cluster", "host", "pid"), name="worker_seen_once"),
        ),
    ]
