"""Time of day and week in a time zone, without pandas."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from alarms.analysis.arrays import Floats
from alarms.cloudwatch.constants import DAY

# All zones of today change their offset at whole quarters of an hour.
_QUARTER = 900
# 1 January 1970 was a Thursday; weeks begin on Monday.
MONDAY = 4 * DAY


def local_seconds(timestamps: Floats, tz: str) -> Floats:
    """Return the timestamps as the zone's wall clock shows them, in seconds since its 1 January 1970.

    In autumn an hour comes twice and in spring one is left out, as on the wall.
    """
    if tz == "UTC":
        return timestamps
    zone = ZoneInfo(tz)
    quarters, where = np.unique(timestamps // _QUARTER, return_inverse=True)
    moments = [datetime.fromtimestamp(quarter * _QUARTER, zone) for quarter in quarters]
    offsets = [(moment.utcoffset() or timedelta()).total_seconds() for moment in moments]
    shifts: Floats = np.array(offsets)[where]
    return timestamps + shifts
