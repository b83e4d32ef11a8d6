"""Findings about what the band and the thresholds can and cannot reach."""

import numpy as np

from alarms.doctor.context import ERROR, NOTE, WARNING, Finding, Fix

_LOW, _HIGH = "lower", "upper"


def floor_missing(sheet):
    """A01: a band without a static floor beside it."""
    if not sheet.has_band or "floor" in sheet.guarded or sheet.watch.side == _HIGH:
        return None
    if sheet.worst_low is None and sheet.natural_min is not None:
        # It was as low as it can be already: a floor would ring for that, or never.
        return None
    return _companion_missing(sheet, "A01", "floor", sheet.worst_low, _missed(sheet, _LOW))


def ceiling_missing(sheet):
    """A02: a band without a static ceiling beside it."""
    if not sheet.has_band or "ceiling" in sheet.guarded or sheet.watch.side == _LOW:
        return None
    if sheet.worst_high is None and sheet.natural_max is not None:
        return None
    return _companion_missing(sheet, "A02", "ceiling", sheet.worst_high, _missed(sheet, _HIGH))


def _companion_missing(sheet, code, role, worst, missed):
    needed = sheet.watch.rule.needed
    minutes = needed * sheet.watch.period / 60
    if worst is None or missed == 0:
        told = ""
        if worst is not None:
            single = " and would miss a single one" if needed > 1 else ""
            told = f" It would notice {worst:g} after {minutes:g} min{single}."
        return Finding(
            code,
            NOTE,
            f"The band stands alone: there is no static {role} beside it.{told}",
            {"value": worst, "missed": missed, "minutes": minutes},
            _add(sheet, role),
        )
    return Finding(
        code,
        WARNING,
        f"The band stands alone, and it would miss {worst:g} in {missed:.0%} of the time. "
        f"A static {role} rings within a period.",
        {"value": worst, "missed": missed, "minutes": minutes},
        _add(sheet, role),
    )


def _add(sheet, role):
    if role == "ceiling":
        top = float(sheet.seen.max())
        rule = {"threshold_rule": "1.3 x max over 30 d"}
        # 130 % of a die's 6 would let a 7 pass, 130 % of 96 percent is out of reach.
        if sheet.worst_high is None or 1.3 * top < sheet.worst_high:
            return Fix("Add a ceiling at 130 % of the last 30 days", "add_ceiling", rule)
        return Fix(f"Add a ceiling above {top:g}", "add_ceiling", {"threshold": top})
    lowest = float(sheet.seen.min())
    # "Fewer than one" for counts; else below all that was seen.
    threshold = 1.0 if sheet.worst_low == 0 and lowest >= 1 else lowest
    return Fix(f"Add a floor: below {threshold:g}", "add_floor", {"threshold": threshold})


def never_alarms(sheet):
    """A03: a value that ought to ring and never can."""
    if sheet.watch.threshold is not None:
        return _threshold_out_of_reach(sheet)
    if not sheet.has_band:
        return None
    never = [
        f"{worst:g}"
        for side, worst in ((_LOW, sheet.worst_low), (_HIGH, sheet.worst_high))
        if worst is not None and sheet.watch.side in ("both", side) and _missed(sheet, side) == 1
    ]
    if not never:
        return None
    lower, upper = sheet.edges
    guarded = {"floor", "ceiling"} <= sheet.guarded
    return Finding(
        "A03",
        NOTE if guarded else WARNING,
        f"{' and '.join(never)} can never alarm by the band at k = {sheet.watch.k:g}: it reaches "
        f"from {lower.mean():.3g} to {upper.mean():.3g}.",
        {"values": [float(value) for value in never], "lower": lower.mean(), "upper": upper.mean()},
    )


def _threshold_out_of_reach(sheet):
    threshold, operator = sheet.watch.threshold, sheet.watch.operator
    high = operator.startswith("Greater")
    bound = sheet.natural_max if high else sheet.natural_min
    if bound is None:
        return None
    reachable = bound > threshold if high else bound < threshold
    if reachable or ("OrEqual" in operator and bound == threshold):
        return None
    return Finding(
        "A03",
        ERROR,
        f"It can never alarm: it rings {'above' if high else 'below'} {threshold:g}, "
        f"and the metric ends at {bound:g}.",
        {"threshold": threshold, "bound": bound},
    )


def outside_nature(sheet):
    """A04: the band reaches to where no value can be."""
    if not sheet.has_band:
        return None
    lower, upper = sheet.edges
    below = np.mean(lower < sheet.natural_min) if sheet.natural_min is not None else 0.0
    above = np.mean(upper > sheet.natural_max) if sheet.natural_max is not None else 0.0
    if max(below, above) < 0.01:
        return None
    parts = []
    if below >= 0.01:
        parts.append(f"below {sheet.natural_min:g} in {below:.0%} of the last week")
    if above >= 0.01:
        parts.append(f"above {sheet.natural_max:g} in {above:.0%}")
    return Finding(
        "A04",
        WARNING if max(below, above) > 0.5 else NOTE,
        f"At k = {sheet.watch.k:g} the band reaches {' and '.join(parts)}: there that side is dead.",
        {"below": float(below), "above": float(above)},
    )


def nothing_can_breach(sheet):
    """A06: so wide that no possible value is outside."""
    if not sheet.has_band:
        return None
    lower, upper = sheet.edges
    dead = {
        _LOW: sheet.natural_min is not None and bool((lower <= sheet.natural_min).all()),
        _HIGH: sheet.natural_max is not None and bool((upper >= sheet.natural_max).all()),
    }
    watched = (_LOW, _HIGH) if sheet.watch.side == "both" else (sheet.watch.side,)
    if not all(dead[side] for side in watched):
        return None
    k = _widest_that_lives(sheet, watched)
    fix = Fix(f"Set k to {k:g}", "change_alarm", {"k": k}) if k else None
    return Finding(
        "A06",
        ERROR,
        f"At k = {sheet.watch.k:g} the band covers all that is possible; nothing can ring.",
        {"k": sheet.watch.k, "largest_k": k},
        fix,
    )


def _widest_that_lives(sheet, watched):
    """Return the largest k (in quarters) at which a watched side is alive half of the week, or None."""
    expected = _last_known(sheet, sheet.band.expected)
    room = []
    if _LOW in watched and sheet.natural_min is not None:
        room.append(np.median((expected - sheet.natural_min) / _last_known(sheet, sheet.band.down)))
    if _HIGH in watched and sheet.natural_max is not None:
        room.append(np.median((sheet.natural_max - expected) / _last_known(sheet, sheet.band.up)))
    k = np.floor(max(room) * 4 - 0.001) / 4 if room else 0
    return float(k) if k >= 1 else None


def _last_known(sheet, column):
    return column[np.isfinite(sheet.band.expected)][-len(sheet.edges[0]) :]


def _missed(sheet, side):
    """Return the share of the last week in which the worst value of the side lies within the band."""
    worst = sheet.worst_low if side == _LOW else sheet.worst_high
    if worst is None:
        return 0.0
    lower, upper = sheet.edges
    return float(np.mean(worst >= lower if side == _LOW else worst <= upper))


RULES = (floor_missing, ceiling_missing, never_alarms, outside_nature, nothing_can_breach)
