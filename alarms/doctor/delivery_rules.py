"""Findings about alarms that would ring where nobody hears them, or not at all."""

from alarms.doctor.context import ERROR, NOTE, WARNING, Finding, Fix

_STALE_DAYS = 30
_STALE_SHARE = 0.1


def deaf_floor(sheet):
    """A11: a floor that stays quiet when the metric stops."""
    watch = sheet.watch
    if sheet.role != "floor" or watch.rule.missing == "breaching":
        return None
    minutes = watch.rule.range * watch.period / 60
    what = {
        "missing": "its state becomes unknown",
        "notBreaching": "it turns OK",
        "ignore": "its state stays",
    }[watch.rule.missing]
    return Finding(
        "A11",
        ERROR if watch.rule.missing == "notBreaching" else WARNING,
        f"When the metric stops, {what} and nobody is told. With missing data as breaching it rings "
        f"after {minutes:g} min.",
        {"missing": watch.rule.missing, "minutes": minutes},
        Fix("Treat missing data as breaching", "change_alarm", {"missing": "breaching"}),
    )


def nobody_told(sheet):
    """A13: no action, or one that leads nowhere."""
    if not sheet.actions:
        return Finding(
            "A13",
            WARNING,
            "It tells no one: there is no action, neither of its own nor of its set.",
            {},
            Fix("Use the actions of the set", "change_alarm", {"use_default_actions": True}),
        )
    if not sheet.actions_enabled:
        return Finding(
            "A13",
            WARNING,
            "Its actions are switched off.",
            {},
            Fix("Switch its actions on", "change_alarm", {"actions_enabled": True}),
        )
    if sheet.muted_for_ever:
        return Finding(
            "A13", WARNING, "It is muted and the mute never ends.", {}, Fix("End the mute", "end_mute")
        )
    for arn in sheet.actions:
        if arn in sheet.topics and sheet.topics[arn] is None:
            return Finding("A13", ERROR, f"There is no topic {arn}.", {"arn": arn})
        if sheet.topics.get(arn) == 0:
            return Finding(
                "A13", ERROR, f"{arn} has no confirmed subscription.", {"arn": arn, "confirmed": 0}
            )
    return None


def no_volume_guard(sheet):
    """A16: one failure of two requests is 50 percent."""
    if sheet.kind != "ratio" or "IF" in sheet.watch.expression:
        return None
    return Finding(
        "A16",
        WARNING,
        "A ratio without a guard for small volumes: at night one failure of two is 50 %. "
        "Watch IF(requests >= 50, ratio, 0) instead.",
        {"expression": sheet.watch.expression},
    )


def stale_threshold(sheet):
    """A17: the threshold was computed from a past that is over."""
    wanted, threshold = sheet.fresh_threshold, sheet.watch.threshold
    if wanted is None or threshold is None:
        return None
    off = abs(threshold - wanted) / max(abs(wanted), 1e-9)
    old = sheet.threshold_age is not None and sheet.threshold_age > _STALE_DAYS
    if off <= _STALE_SHARE and not old:
        return None
    return Finding(
        "A17",
        WARNING if off > _STALE_SHARE else NOTE,
        f"The threshold is {threshold:g}; by its rule it would be {wanted:g} today ({off:.0%} off).",
        {"threshold": threshold, "wanted": wanted, "off": off, "days": sheet.threshold_age},
        Fix(f"Set it to {wanted:g}", "change_alarm", {"threshold": wanted}),
    )


def orphan(name):
    """A14: a detector no alarm uses; it is billed all the same."""
    return Finding(
        "A14",
        WARNING,
        f"No alarm uses the detector of {name}; it is billed like three metrics.",
        {"detector": name},
        Fix("Let the next plan remove it", "change_detector", {"keep": False}),
    )


RULES = (deaf_floor, nobody_told, no_volume_guard, stale_threshold)
