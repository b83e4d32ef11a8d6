"""Receivers of five lines at most."""

from alarms import queue


def make_schedules(sender, **kwargs):
    queue.ensure_schedules()
