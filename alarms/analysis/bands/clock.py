"""Time of day and week in a time zone, without pandas."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

# All zones of today change their offset at whole quarters of an hour.
_QUARTER = 900
# 1 January 1970 was a Thursday; weeks begin on Monday.
MONDAY = 4 * 86_400


def local_seconds(timestamps, tz):
    """Return the timestamps as the zone's wall clock shows them, in seconds since its 1 January 1970.

    In autumn an hour comes twice and in spring one is left out, as on the wall.
    """
    if tz in ("UTC", UTC):
        return timestamps
    zone = ZoneInfo(tz) if isinstance(tz, str) else tz
    quarters, where = np.unique(timestamps // _QUARTER, return_inverse=True)
    offsets = [
        datetime.fromtimestamp(quarter * _QUARTER, zone).utcoffset().total_seconds() for quarter in quarters
    ]
    return timestamps + np.array(offsets)[where]
