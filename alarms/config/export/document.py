VERSION = 1
_SET_FIELDS = ("name", "prefix", "region", "owner", "false_alarms_per_week")


def document(alarm_set, alarms, detectors):
    """Return all that a set is made of: definitions in CloudWatch's shape, and what only we know.

    `alarms` is [(definition, tags, further)]; further has role, guard, reason, threshold_rule, enabled.
    """
    return {
        "photomgr_alarms": VERSION,
        "set": {name: getattr(alarm_set, name) for name in _SET_FIELDS},
        "alarms": [{"definition": found, "tags": tags, **further} for found, tags, further in alarms],
        "detectors": detectors,
    }
