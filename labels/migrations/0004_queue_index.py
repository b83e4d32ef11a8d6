from django.db import migrations


class Migration(migrations.Migration):
    """Index django-q2's table as its broker asks: without it each look reads every task that waits.

    The table is django-q2's, so the index stands in no model of ours.
    """

    dependencies = [
        ("labels", "0003_claimed_in_turn"),
        ("django_q", "0018_task_success_index"),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX IF NOT EXISTS queue_next ON django_q_ormq (key, lock)",
            "DROP INDEX IF EXISTS queue_next",
        ),
    ]
