from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from alarms.analysis.arrays import Floats
from alarms.cloudwatch.constants import DAY

# 1 January 1970 was a Thursday; weeks begin on Monday.
MONDAY = 4 * DAY


def local_seconds(timestamps: Floats, tz: str) -> Floats:
    """Return the timestamps as the zone's wall clock shows them, in seconds since its 1 January 1970."""
    if tz == "UTC":
        return timestamps
    # All zones of today change their offset at whole quarters of an hour.
    quarters, where = np.unique(timestamps // 900, return_inverse=True)
    moments = [datetime.fromtimestamp(quarter * 900, ZoneInfo(tz)) for quarter in quarters]
    offsets = [(moment.utcoffset() or timedelta()).total_seconds() for moment in moments]
    local: Floats = timestamps + np.array(offsets)[where]
    return local
