"""Findings about what the band and the thresholds can and cannot reach."""

import numpy as np

from alarms.doctor.context import ERROR, NOTE, WARNING, Finding, Fix

_LOW, _HIGH = "lower", "upper"


def floor_missing(context):
    """A01: a band without a static floor beside it."""
    return _companion_missing(context, "A01", "floor", _LOW, context.worst_low, context.natural_min)


def ceiling_missing(context):
    """A02: a band without a static ceiling beside it."""
    return _companion_missing(context, "A02", "ceiling", _HIGH, context.worst_high, context.natural_max)


def _companion_missing(context, code, role, side, worst, natural):
    if not context.has_band or role in context.guarded or context.spec.side not in ("both", side):
        return None
    if worst is None and natural is not None:
        # The values reached the bound already: a threshold there would always be breached, or never.
        return None
    missed, needed = _missed(context, side), context.spec.rule.needed
    minutes = needed * context.spec.period / 60
    numbers, fix = {"value": worst, "missed": missed, "minutes": minutes}, _add(context, role)
    if worst is not None and missed:
        message = (
            f"The band stands alone, and it would miss {worst:g} in {missed:.0%} of the time. "
            f"A static {role} alarms within a period."
        )
        return Finding(code, WARNING, message, numbers, fix)
    message = f"The band stands alone: there is no static {role} beside it."
    if worst is not None:
        single = " and would miss a single one" if needed > 1 else ""
        message += f" It would notice {worst:g} after {minutes:g} min{single}."
    return Finding(code, NOTE, message, numbers, fix)


def _add(context, role):
    if role == "ceiling":
        top = float(context.seen.max())
        rule = {"threshold_rule": "1.3 x max over 30 d"}
        # 130 % of a die's 6 would let a 7 pass, 130 % of 96 percent is out of reach.
        if context.worst_high is None or 1.3 * top < context.worst_high:
            return Fix("Add a ceiling at 130 % of the last 30 days", "add_ceiling", rule)
        return Fix(f"Add a ceiling above {top:g}", "add_ceiling", {"threshold": top})
    lowest = float(context.seen.min())
    # "Fewer than one" for counts; else below all that was seen.
    threshold = 1.0 if context.worst_low == 0 and lowest >= 1 else lowest
    return Fix(f"Add a floor: below {threshold:g}", "add_floor", {"threshold": threshold})


def never_alarms(context):
    """A03: a value that ought to alarm and never can."""
    if context.spec.threshold is not None:
        return _threshold_out_of_reach(context)
    if not context.has_band:
        return None
    never = [
        f"{worst:g}"
        for side, worst in ((_LOW, context.worst_low), (_HIGH, context.worst_high))
        if worst is not None and context.spec.side in ("both", side) and _missed(context, side) == 1
    ]
    if not never:
        return None
    lower, upper = context.edges
    guarded = {"floor", "ceiling"} <= context.guarded
    return Finding(
        "A03",
        NOTE if guarded else WARNING,
        f"{' and '.join(never)} can never alarm by the band at k = {context.spec.k:g}: it reaches "
        f"from {lower.mean():.3g} to {upper.mean():.3g}.",
        {"values": [float(value) for value in never], "lower": lower.mean(), "upper": upper.mean()},
    )


def _threshold_out_of_reach(context):
    threshold, operator = context.spec.threshold, context.spec.operator
    high = operator.startswith("Greater")
    bound = context.natural_max if high else context.natural_min
    if bound is None:
        return None
    reachable = bound > threshold if high else bound < threshold
    if reachable or ("OrEqual" in operator and bound == threshold):
        return None
    return Finding(
        "A03",
        ERROR,
        f"It can never alarm: it does so {'above' if high else 'below'} {threshold:g}, "
        f"and the metric ends at {bound:g}.",
        {"threshold": threshold, "bound": bound},
    )


def outside_nature(context):
    """A04: the band reaches to where no value can be."""
    if not context.has_band:
        return None
    lower, upper = context.edges
    below = np.mean(lower < context.natural_min) if context.natural_min is not None else 0.0
    above = np.mean(upper > context.natural_max) if context.natural_max is not None else 0.0
    if max(below, above) < 0.01:
        return None
    parts = []
    if below >= 0.01:
        parts.append(f"below {context.natural_min:g} in {below:.0%} of the last week")
    if above >= 0.01:
        parts.append(f"above {context.natural_max:g} in {above:.0%}")
    return Finding(
        "A04",
        WARNING if max(below, above) > 0.5 else NOTE,
        f"At k = {context.spec.k:g} the band reaches {' and '.join(parts)}: there that side can never alarm.",
        {"below": float(below), "above": float(above)},
    )


def nothing_can_breach(context):
    """A06: so wide that no possible value is outside."""
    if not context.has_band:
        return None
    lower, upper = context.edges
    dead = {
        _LOW: context.natural_min is not None and bool((lower <= context.natural_min).all()),
        _HIGH: context.natural_max is not None and bool((upper >= context.natural_max).all()),
    }
    watched = (_LOW, _HIGH) if context.spec.side == "both" else (context.spec.side,)
    if not all(dead[side] for side in watched):
        return None
    k = _largest_k(context, watched)
    fix = Fix(f"Set k to {k:g}", "change_alarm", {"k": k}) if k else None
    return Finding(
        "A06",
        ERROR,
        f"At k = {context.spec.k:g} the band covers all that is possible; nothing can alarm.",
        {"k": context.spec.k, "largest_k": k},
        fix,
    )


def _largest_k(context, watched):
    """Return the largest k (in quarters) at which a watched side can alarm half of the week, or None."""
    expected = _last_known(context, context.band.expected)
    room = []
    if _LOW in watched and context.natural_min is not None:
        room.append(np.median((expected - context.natural_min) / _last_known(context, context.band.down)))
    if _HIGH in watched and context.natural_max is not None:
        room.append(np.median((context.natural_max - expected) / _last_known(context, context.band.up)))
    k = np.floor(max(room) * 4 - 0.001) / 4 if room else 0
    return float(k) if k >= 1 else None


def _last_known(context, column):
    return column[np.isfinite(context.band.expected)][-len(context.edges[0]) :]


def _missed(context, side):
    """Return the share of the last week in which the worst value of the side lies within the band."""
    worst = context.worst_low if side == _LOW else context.worst_high
    if worst is None:
        return 0.0
    lower, upper = context.edges
    return float(np.mean(worst >= lower if side == _LOW else worst <= upper))


RULES = (floor_missing, ceiling_missing, never_alarms, outside_nature, nothing_can_breach)
