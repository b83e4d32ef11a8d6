"""The tables of the queue, to look at: our rows say what is due, and the sweep enqueues it again.

As django-q2 registers them, whoever may add a schedule may have any function of Python called, and
whoever may view a task may run it again.
"""

from django.apps import apps
from django.contrib import admin

from photomgr.read_only_admin import ReadOnlyAdmin, Undeletable

_COLUMNS = {
    "Success": ["name", "func", "cluster", "started", "stopped"],
    "Failure": ["name", "func", "cluster", "started", "stopped"],
    "Schedule": ["name", "func", "schedule_type", "cluster", "next_run"],
    "OrmQ": ["id", "key", "lock"],
}


class QueueAdmin(Undeletable, ReadOnlyAdmin):
    pass


for _name, _columns in _COLUMNS.items():
    _model = apps.get_model("django_q", _name)
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
    admin.site.register(_model, QueueAdmin, list_display=_columns)
