"""Pure: when a call may be made in a Region, and what its answer means for the next ones.

GCRA hands out moments at the Region's rate. A throttle lowers the rate by a seventh and time gives it back
(AIMD). Failures in a row open a breaker; when its time is over one call probes. After a minute of
silence the rate rises within seconds, because Amazon refuses sudden increases. All moments are seconds
of one clock, which is the database's.

Sources: "GCRA", ITU-T I.371; "Timeouts, retries and backoff with jitter", AWS Builders' Library;
error handling in the Amazon Rekognition developer guide.
"""

import math
from dataclasses import dataclass, replace

# Two clocks drift, and a bucket that is met exactly throttles by rounding.
HEADROOM = 0.998
IDLE, RAMP_SECONDS, RAMP_FROM = 60.0, 3.0, 0.5
CUT, GAIN, LEAST = 0.85, 0.004, 0.02
TRIP, LONGEST_PAUSE = 3, 30.0
# Longer than a probe can take: connecting 3 s, reading 15 s.
PROBE_SECONDS = 20.0
REFUSED_SECONDS = 60.0
RECENT_SECONDS = 10.0


@dataclass(frozen=True)
class Pace:
    """The state of one operation in one Region; moments in seconds."""

    quota: float
    next_at: float = 0.0  # the first moment that is not handed out yet
    granted_at: float = 0.0
    ramp_at: float = 0.0  # when it began to rise after idling
    factor: float = 1.0  # of the quota, lowered by throttles
    factor_at: float = 0.0
    cut_at: float = 0.0
    failures: int = 0  # in a row
    opened_at: float = 0.0
    open_until: float = 0.0  # the breaker lets nobody through before
    recent: float = 0.0  # permits per second, at granted_at


def free_at(pace, now):
    """Return the first moment at which a call may be made."""
    return max(now, pace.next_at, pace.open_until)


def rate(pace, now):
    """Return the calls per second handed out at `now`; never more than the quota."""
    ramp = RAMP_FROM + (1 - RAMP_FROM) * min(1.0, max(0.0, now - pace.ramp_at) / RAMP_SECONDS)
    return pace.quota * HEADROOM * slowed(pace, now) * ramp


def slowed(pace, now):
    """Return the part of the quota that throttles leave at `now`."""
    return min(1.0, pace.factor + GAIN * max(0.0, now - pace.factor_at))


def is_tripped(pace):
    """Return whether the breaker is open or waits for its probe."""
    return pace.failures >= TRIP


def first_free(paces, now, refused=frozenset()):
    """Return the key of the pace that is free first; of several, one of the `refused`, then the largest.

    A Region that refused us would else be asked again only when the others are busy, and be called
    refused long after somebody mended it. Asking costs little: a refusal comes at once and free of charge.
    """
    return min(paces, key=lambda key: (free_at(paces[key], now), key not in refused, -paces[key].quota, key))


def grant(pace, now, count):
    """Return (pace, moments): `count` moments from free_at() on, or one when it is a probe."""
    if now - pace.granted_at > IDLE:
        pace = replace(pace, ramp_at=now)
    begin = free_at(pace, now)
    if is_tripped(pace):
        count, pace = 1, replace(pace, open_until=begin + PROBE_SECONDS)
    gap = 1 / rate(pace, now)
    pace = replace(
        pace,
        next_at=begin + count * gap,
        recent=recent(pace, now) + count / RECENT_SECONDS,
        granted_at=now,
        factor=slowed(pace, now),
        factor_at=now,
    )
    return pace, [begin + number * gap for number in range(count)]


def recent(pace, now):
    """Return the permits per second of about the last ten seconds."""
    return pace.recent * math.exp(-max(0.0, now - pace.granted_at) / RECENT_SECONDS)


def throttled(pace, now, granted_at):
    """Return the pace after a throttle of a call that was granted at `granted_at`.

    Calls granted before the last cut say nothing new: one overload lowers the rate once.
    """
    pace = worked(pace, now, granted_at)
    if granted_at < pace.cut_at:
        return pace
    lower = max(LEAST, slowed(pace, now) * CUT)
    return replace(pace, factor=lower, factor_at=now, cut_at=now)


def failed(pace, now, granted_at):
    """Return the pace after a 5xx or a time-out: from the third in a row on, a pause of 1, 2, 4 … 30 s."""
    if granted_at < pace.opened_at:
        return pace
    failures = pace.failures + 1
    if failures < TRIP:
        return replace(pace, failures=failures)
    pause = min(LONGEST_PAUSE, 2.0 ** min(failures - TRIP, 10))
    return replace(pace, failures=failures, opened_at=now, open_until=now + pause)


def refused(pace, now):
    """Return the pace after Amazon said that we may not call: one probe a minute."""
    return replace(pace, failures=max(TRIP, pace.failures), opened_at=now, open_until=now + REFUSED_SECONDS)


def worked(pace, now, granted_at):
    """Return the pace after an answer: the breaker closes and the rate rises anew."""
    if not pace.failures or granted_at < pace.opened_at:
        return pace
    if not is_tripped(pace):
        return replace(pace, failures=0)
    return replace(pace, failures=0, open_until=now, ramp_at=now)
