"""Findings about what the band and the thresholds can and cannot reach."""

import numpy as np

from alarms.doctor.context import ERROR, NOTE, WARNING, Finding, Fix

_LOW, _HIGH = "lower", "upper"


def floor_missing(context):
    return _companion_missing(context, "A01", "floor", _LOW, context.worst_low, context.natural_min)


def ceiling_missing(context):
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
    lower, upper = (edge.mean() for edge in context.edges)
    return Finding(
        "A03",
        NOTE if {"floor", "ceiling"} <= context.guarded else WARNING,
        f"{' and '.join(never)} can never alarm by the band at k = {context.spec.k:g}: it reaches "
        f"from {lower:.3g} to {upper:.3g}.",
        {"values": [float(value) for value in never], "lower": lower, "upper": upper},
    )


def _threshold_out_of_reach(context):
    threshold, operator = context.spec.threshold, context.spec.operator
    high = operator.startswith("Greater")
    bound = context.natural_max if high else context.natural_min
    if bound is None or (bound > threshold if high else bound < threshold):
        return None
    if "OrEqual" in operator and bound == threshold:
        return None
    side = "above" if high else "below"
    message = f"It can never alarm: it does so {side} {threshold:g}, and the metric ends at {bound:g}."
    return Finding("A03", ERROR, message, {"threshold": threshold, "bound": bound})


def outside_nature(context):
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
    if not context.has_band:
        return None
    lower, upper = context.edges
    expected, down, up = context.last_week
    # The k at which a side can alarm half of the week.
    room = []
    if context.spec.side != _HIGH:
        if context.natural_min is None or (lower > context.natural_min).any():
            return None
        room.append(np.median((expected - context.natural_min) / down))
    if context.spec.side != _LOW:
        if context.natural_max is None or (upper < context.natural_max).any():
            return None
        room.append(np.median((context.natural_max - expected) / up))
    k = float(np.floor(max(room) * 4 - 0.001) / 4)
    message = f"At k = {context.spec.k:g} the band covers all that is possible; nothing can alarm."
    if k < 1:
        return Finding("A06", ERROR, message, {"k": context.spec.k, "largest_k": None})
    fix = Fix(f"Set k to {k:g}", "change_alarm", {"k": k})
    return Finding("A06", ERROR, message, {"k": context.spec.k, "largest_k": k}, fix)


def _missed(context, side):
    """Return the share of the last week in which the worst value of the side lies within the band."""
    worst = context.worst_low if side == _LOW else context.worst_high
    if worst is None:
        return 0.0
    lower, upper = context.edges
    return float(np.mean(worst >= lower if side == _LOW else worst <= upper))


RULES = (floor_missing, ceiling_missing, never_alarms, outside_nature, nothing_can_breach)
