"""Pure: when a Region may be called, and what a throttle, a failure or a response means for the next calls.

GCRA hands out moments, seconds of the database's clock, at the Region's rate. A throttle lowers the rate
and time restores it (AIMD). Failures in a row open a circuit breaker; after its pause one call probes.
After a minute without calls the rate rises within seconds, because Amazon refuses sudden increases.
A limiter is a RegionQuota; its state is never changed in place.

Sources: "GCRA", ITU-T I.371; "Timeouts, retries and backoff with jitter", AWS Builders' Library;
error handling in the Amazon Rekognition developer guide.
"""

import math
from copy import copy

# Two clocks drift, and a bucket that is met exactly throttles by rounding.
HEADROOM = 0.998
RAMP_SECONDS, RAMP_FROM = 3.0, 0.5
DECREASE, INCREASE, LEAST_FACTOR = 0.85, 0.004, 0.02
MAX_FAILURES = 3
# Longer than a probe can take: connecting 3 s, reading 15 s.
PROBE_SECONDS = 20.0
REFUSED_SECONDS = 60.0
RECENT_SECONDS = 10.0


def changed(row, **state):
    """Return a copy of a limiter's row with another state."""
    row = copy(row)
    vars(row).update(state)
    return row


def free_at(limiter, now):
    return max(now, limiter.next_at, limiter.open_until)


def rate(limiter, now):
    """Return the calls per second handed out at `now`; never more than the quota."""
    ramp = RAMP_FROM + (1 - RAMP_FROM) * min(1.0, max(0.0, now - limiter.ramp_at) / RAMP_SECONDS)
    return limiter.quota * HEADROOM * factor(limiter, now) * ramp


def factor(limiter, now):
    return min(1.0, limiter.factor + INCREASE * max(0.0, now - limiter.factor_at))


def is_tripped(limiter):
    """Return whether the breaker is open, or half-open until its probe is answered."""
    return limiter.failures >= MAX_FAILURES


def first_free(limiters, now, refused=frozenset()):
    """Return the key of the limiter that is free first; of several, one of `refused`, then the largest."""
    # A Region that refused us would else be called again only when the others are busy, and count as
    # refused long after somebody fixed it. A refusal comes at once and free of charge.
    return min(
        limiters,
        key=lambda key: (free_at(limiters[key], now), key not in refused, -limiters[key].quota, key),
    )


def grant(limiter, now, count):
    """Return (limiter, moments): `count` of them, or one when it is a probe."""
    if now - limiter.granted_at > 60:
        limiter = changed(limiter, ramp_at=now)
    begin = free_at(limiter, now)
    if is_tripped(limiter):
        count, limiter = 1, changed(limiter, open_until=begin + PROBE_SECONDS)
    gap = 1 / rate(limiter, now)
    limiter = changed(
        limiter,
        next_at=begin + count * gap,
        recent=recent(limiter, now) + count / RECENT_SECONDS,
        granted_at=now,
        factor=factor(limiter, now),
        factor_at=now,
    )
    return limiter, [begin + number * gap for number in range(count)]


def recent(limiter, now):
    return limiter.recent * math.exp(-max(0.0, now - limiter.granted_at) / RECENT_SECONDS)


def throttled(limiter, now, granted_at):
    """Return the limiter after a throttle of a call that was granted at `granted_at`."""
    limiter = succeeded(limiter, now, granted_at)
    if granted_at < limiter.decreased_at:  # one overload lowers the rate once
        return limiter
    lower = max(LEAST_FACTOR, factor(limiter, now) * DECREASE)
    return changed(limiter, factor=lower, factor_at=now, decreased_at=now)


def failed(limiter, now, granted_at):
    """Return the limiter after a 5xx or a time-out: from the third in a row on, a pause of 1, 2, 4 … 30 s."""
    if granted_at < limiter.opened_at:
        return limiter
    failures = limiter.failures + 1
    if failures < MAX_FAILURES:
        return changed(limiter, failures=failures)
    pause = min(30.0, 2.0 ** min(failures - MAX_FAILURES, 10))
    return changed(limiter, failures=failures, opened_at=now, open_until=now + pause)


def refused(limiter, now, granted_at=None):
    """Return the limiter after Amazon said that we may not call: one probe a minute."""
    failures = max(MAX_FAILURES, limiter.failures)
    return changed(limiter, failures=failures, opened_at=now, open_until=now + REFUSED_SECONDS)


def succeeded(limiter, now, granted_at):
    """Return the limiter after a response: the breaker closes and the rate rises anew."""
    if not limiter.failures or granted_at < limiter.opened_at:
        return limiter
    if not is_tripped(limiter):
        return changed(limiter, failures=0)
    return changed(limiter, failures=0, open_until=now, ramp_at=now)
