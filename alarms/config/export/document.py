VERSION = 1


def document(alarm_set, alarms, detectors):
    """Return all that a set is made of: definitions in CloudWatch's shape, and what only we know.

    `alarms` is [(definition, tags, further)]; further has role, guard, reason, threshold_rule, enabled.
    """
    return {
        "photomgr_alarms": VERSION,
        "set": {
            "name": alarm_set.name,
            "prefix": alarm_set.prefix,
            "region": alarm_set.region,
            "owner": alarm_set.owner,
            "false_alarms_per_week": alarm_set.false_alarms_per_week,
        },
        "alarms": [
            {"definition": definition, "tags": tags, **further} for definition, tags, further in alarms
        ],
        "detectors": detectors,
    }
