"""Findings about alarms that notify nobody, or too late."""

from alarms.doctor.context import ERROR, NOTE, WARNING, Finding, Fix

_STALE_DAYS = 30
_STALE_SHARE = 0.1
_WHEN_IT_STOPS = {
    "missing": (WARNING, "its state becomes unknown"),
    "notBreaching": (ERROR, "it turns OK"),
    "ignore": (WARNING, "its state stays"),
}


def silent_floor(context):
    spec = context.spec
    if context.role != "floor" or spec.rule.missing == "breaching":
        return None
    minutes = spec.rule.range * spec.period / 60
    severity, what = _WHEN_IT_STOPS[spec.rule.missing]
    return Finding(
        "A11",
        severity,
        f"When the metric stops, {what} and nobody is notified. With missing data as breaching it alarms "
        f"after {minutes:g} min.",
        {"missing": spec.rule.missing, "minutes": minutes},
        Fix("Treat missing data as breaching", "change_alarm", {"missing": "breaching"}),
    )


def nobody_notified(context):
    if not context.actions:
        fix = Fix("Use the actions of the set", "change_alarm", {"use_default_actions": True})
        message = "It notifies nobody: there is no action, neither of its own nor of its set."
        return Finding("A13", WARNING, message, fix=fix)
    if not context.actions_enabled:
        fix = Fix("Switch its actions on", "change_alarm", {"actions_enabled": True})
        return Finding("A13", WARNING, "Its actions are switched off.", fix=fix)
    if context.muted_for_ever:
        message = "It is muted and the mute never ends."
        return Finding("A13", WARNING, message, fix=Fix("End the mute", "end_mute"))
    # Of an ARN that is not among the topics nothing is known.
    for arn, confirmed in ((arn, context.topics[arn]) for arn in context.actions if arn in context.topics):
        if confirmed is None:
            return Finding("A13", ERROR, f"There is no topic {arn}.", {"arn": arn})
        if confirmed == 0:
            numbers = {"arn": arn, "confirmed": 0}
            return Finding("A13", ERROR, f"{arn} has no confirmed subscription.", numbers)
    return None


def no_volume_guard(context):
    if context.kind != "ratio" or "IF" in context.spec.expression:
        return None
    return Finding(
        "A16",
        WARNING,
        "A ratio without a guard for small volumes: at night one failure of two is 50 %. "
        "Watch IF(requests >= 50, ratio, 0) instead.",
        {"expression": context.spec.expression},
    )


def stale_threshold(context):
    wanted, threshold = context.fresh_threshold, context.spec.threshold
    if wanted is None or threshold is None:
        return None
    off = abs(threshold - wanted) / max(abs(wanted), 1e-9)
    old = context.threshold_age is not None and context.threshold_age > _STALE_DAYS
    if off <= _STALE_SHARE and not old:
        return None
    return Finding(
        "A17",
        WARNING if off > _STALE_SHARE else NOTE,
        f"The threshold is {threshold:g}; by its rule it would be {wanted:g} today ({off:.0%} off).",
        {"threshold": threshold, "wanted": wanted, "off": off, "days": context.threshold_age},
        Fix(f"Set it to {wanted:g}", "change_alarm", {"threshold": wanted}),
    )


def orphan(name):
    return Finding(
        "A14",
        WARNING,
        f"No alarm uses the detector of {name}; it is billed like three metrics.",
        {"detector": name},
        Fix("Let the next plan remove it", "change_detector", {"keep": False}),
    )


RULES = (silent_floor, nobody_notified, no_volume_guard, stale_threshold)
