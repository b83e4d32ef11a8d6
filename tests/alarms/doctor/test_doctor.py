"""Each code of the doctor, with the number it shows, and the healthy neighbour it says nothing about."""

from dataclasses import replace

import numpy as np
import pytest

from alarms.analysis.alarm_spec import AlarmSpec, Source
from alarms.analysis.bands.band import walk_forward
from alarms.analysis.evaluation import Rule, evaluate_all, outside
from alarms.cloudwatch.constants import SIDES
from alarms.doctor.context import DoctorContext
from alarms.doctor.delivery_rules import orphan
from alarms.doctor.rules import findings_of
from alarms.experiments import run, series

TOPIC = "arn:aws:sns:us-east-1:123456789012:oncall"
BOTH = next(iter(SIDES))


def context(values, k=3.0, rule=None, operator=BOTH, threshold=None, expression="m1", **fields):
    """Return a band alarm (or, with a threshold, a static one) on one value a minute."""
    spec = AlarmSpec(
        name="shop-orders",
        rule=rule or Rule(n=5, m=3),
        operator=operator,
        period=60,
        sources={"m1": Source("Shop", "orders", (), "Sum", 60)},
        expression=expression,
        threshold=threshold,
        k=None if threshold is not None else k,
    )
    values = np.asarray(values, dtype=float)
    band = None
    if threshold is None:
        band = walk_forward(60.0 * np.arange(len(values)), values, 60)
    return DoctorContext(**{"spec": spec, "values": values, "band": band, "actions": (TOPIC,), **fields})


def found(case):
    return {finding.code: finding for finding in findings_of(case)}


def rolls(weeks=3, seed=5):
    return series.dice(np.random.default_rng(seed), weeks * series.WEEK)


def orders(weeks=3):
    return series.orders(np.random.default_rng(5), weeks * series.WEEK)


GUARDED = {"guarded": frozenset({"floor", "ceiling", "band"})}


@pytest.mark.parametrize("k", [2.5, 3.0, 3.25, 3.5, 4.0, 6.0])
def test_what_the_doctor_says_the_band_would_miss_is_what_it_misses(k):
    case = context(rolls(), k)
    findings = found(case)

    for code, value in (("A01", 0), ("A02", 7)):
        finding = findings[code]
        assert finding.numbers["value"] == value
        # The impossible roll for ten minutes, at ten moments of the week the doctor looked at.
        alarmed = []
        for place in range(len(case.values) - series.WEEK, len(case.values) - 20, series.WEEK // 10):
            values = case.values.copy()
            values[place : place + 10] = value
            lower, upper = case.band.lower(k)[: place + 10], case.band.upper(k)[: place + 10]
            lower[place:], upper[place:] = lower[place], upper[place]
            alarmed.append(evaluate_all(outside(values[: place + 10], lower, upper), case.spec.rule)[-1] == 1)
        if finding.numbers["missed"] == 1:
            assert not any(alarmed)
        if finding.numbers["missed"] == 0:
            assert all(alarmed)
        assert ("would miss" in finding.message and f" {value} " in finding.message) or all(alarmed)


def test_the_fixes_for_the_dice_are_below_1_and_above_6():
    findings = found(context(rolls()))

    assert findings["A01"].fix.values == {"threshold": 1.0}
    assert findings["A02"].fix.values == {"threshold": 6.0}


def test_orders_get_a_floor_of_one_and_a_ceiling_by_rule():
    findings = found(context(orders(), natural_min=0.0))

    assert findings["A01"].fix.values == {"threshold": 1.0}
    assert findings["A02"].fix.values == {"threshold_rule": "1.3 x max over 30 d"}


def test_a_metric_that_reaches_its_natural_bounds_needs_no_companions():
    values = orders()
    values[5] = 0
    nature = {"natural_min": 0.0, "natural_max": float(values.max())}

    assert {"A01", "A02"} & set(found(context(values, **nature))) == set()


def test_a_guarded_band_needs_no_companions():
    assert {"A01", "A02"} & set(found(context(orders(), natural_min=0.0, **GUARDED))) == set()


def test_a_value_that_can_never_alarm_is_named():
    finding = found(context(rolls(), 6.0))["A03"]

    assert finding.message.startswith("0 and 7 can never alarm by the band at k = 6")
    assert "A03" not in found(context(rolls(), 3.0))


@pytest.mark.parametrize(
    ("operator", "threshold", "never"),
    [
        ("GreaterThanThreshold", 100, True),
        ("GreaterThanThreshold", 125, True),
        ("GreaterThanOrEqualToThreshold", 100, False),
        ("GreaterThanThreshold", 99, False),
        ("LessThanThreshold", 0, True),
        ("LessThanOrEqualToThreshold", 0, False),
        ("LessThanThreshold", 1, False),
    ],
)
def test_a_threshold_outside_what_is_possible(operator, threshold, never):
    case = context(orders(1), operator=operator, threshold=threshold, natural_min=0.0, natural_max=100.0)

    assert ("A03" in found(case)) is never


def test_a_band_below_zero_is_measured():
    case = context(orders(), 12.0, natural_min=0.0)
    finding = found(case)["A04"]

    share = np.mean(case.edges[0] < 0)
    assert 0.01 < share < 1
    assert finding.numbers["below"] == pytest.approx(share)
    assert f"below 0 in {share:.0%} of the last week" in finding.message
    assert "A04" not in found(context(orders(), natural_min=0.0))


def test_a_narrow_band_names_the_width_that_keeps_the_budget():
    finding = found(context(orders(), 1.5))["A05"]

    assert finding.numbers["per_week"] > 0.5
    assert 1.5 < finding.fix.values["k"] <= 5
    assert "A05" not in found(context(orders(), finding.fix.values["k"]))


def test_a_band_over_all_that_is_possible_names_the_largest_that_is_not():
    nature = {"natural_min": 1.0, "natural_max": 6.0}
    finding = found(context(rolls(), 4.0, **nature))["A06"]

    assert "nothing can alarm" in finding.message
    assert "A06" not in found(context(rolls(), finding.fix.values["k"], **nature))


def test_one_sided_bands_are_dead_when_their_side_is():
    lower = "LessThanLowerThreshold"

    assert "A06" in found(context(rolls(), 4.0, operator=lower, natural_min=1.0))
    assert "A06" not in found(context(rolls(), 4.0, operator="GreaterThanUpperThreshold", natural_min=1.0))


def test_dice_have_no_season():
    finding = found(context(rolls(), **GUARDED))["A08"]

    assert finding.fix.values == {"enabled": False}
    assert "A08" not in found(context(orders(), **GUARDED))
    assert found(context(rolls()))["A08"].fix is None  # nothing would be left


@pytest.mark.parametrize(
    ("days", "severity", "said"),
    [(0.5, "error", "nothing can alarm"), (5, "note", "needs 14"), (21, None, "")],
)
def test_too_little_history(days, severity, said):
    finding = found(context(orders()[: int(days * series.DAY)])).get("A09")

    assert (finding and finding.severity) == severity
    assert severity is None or said in finding.message


def test_a_detector_in_training():
    assert "PENDING_TRAINING" in found(context(orders(), detector_state="PENDING_TRAINING"))["A09"].message


def test_one_of_one_on_a_noisy_metric():
    noisy = orders()
    strays = np.random.default_rng(1).choice(len(noisy), 40, replace=False)
    noisy[strays] *= 3

    finding = found(context(noisy, 4.0, Rule(n=1)))["A10"]

    assert finding.numbers["per_week"] > 5 > finding.numbers["per_week_3_of_5"]
    assert finding.fix.values == {"evaluation_periods": 5, "datapoints": 3}
    assert "A10" not in found(context(noisy, 4.0, Rule(n=5, m=3)))


@pytest.mark.parametrize(
    ("missing", "severity"),
    [("missing", "warning"), ("ignore", "warning"), ("notBreaching", "error"), ("breaching", None)],
)
def test_a_floor_that_missing_data_silences(missing, severity):
    rule = Rule(n=3, missing=missing)
    case = context(orders(1), operator="LessThanThreshold", threshold=1, rule=rule, role="floor")

    finding = found(case).get("A11")

    assert (finding and finding.severity) == severity
    assert severity is None or finding.numbers["minutes"] == 5


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"actions": ()}, "notifies nobody"),
        ({"actions_enabled": False}, "switched off"),
        ({"muted_for_ever": True}, "never ends"),
        ({"topics": {TOPIC: None}}, "There is no topic"),
        ({"topics": {TOPIC: 0}}, "no confirmed subscription"),
        ({"topics": {TOPIC: 1}}, None),
        ({}, None),
    ],
)
def test_an_alarm_nobody_hears(fields, said):
    finding = found(context(orders(1), operator="LessThanThreshold", threshold=1, **fields)).get("A13")

    assert (finding is None) if said is None else (said in finding.message)


def test_a_ratio_without_a_volume_guard():
    guarded = "IF(m1 > 50, m1, 0)"

    assert "A16" in found(context(orders(1), operator="GreaterThanThreshold", threshold=5, kind="ratio"))
    assert "A16" not in found(
        context(orders(1), operator="GreaterThanThreshold", threshold=5, kind="ratio", expression=guarded)
    )


@pytest.mark.parametrize(
    ("fresh", "age", "severity"),
    [
        (3000, 1, None),
        (3200, 1, None),
        (3400, 1, "warning"),
        (2600, 1, "warning"),
        (3000, 31, "note"),
        (None, 99, None),
    ],
)
def test_a_stale_ceiling(fresh, age, severity):
    case = context(
        orders(1), operator="GreaterThanThreshold", threshold=3000, fresh_threshold=fresh, threshold_age=age
    )

    finding = found(case).get("A17")

    assert (finding and finding.severity) == severity
    assert severity is None or finding.fix.values == {"threshold": fresh}


def test_an_orphan_detector_is_billed():
    assert "billed" in orphan("Shop orders Sum").message


def test_a_change_of_pattern_proposes_to_forget_the_old_one():
    case = next(case for case in run.skyline(np.random.default_rng(8)) if case.name == "skyline every hour")
    values = case.trials[1].values

    finding = found(run.context_of(case, values))["A18"]

    assert finding.fix.do == "exclude"
    assert abs(finding.fix.values["places"][1] - case.trials[1].first) < 2 * series.DAY


def test_the_gravest_comes_first():
    case = replace(context(rolls(), 6.0, natural_min=1.0, natural_max=6.0), actions=())

    severities = [finding.severity for finding in findings_of(case)]

    assert severities == sorted(severities, key=["error", "warning", "note"].index)


@pytest.mark.parametrize("values", [[], [np.nan] * 500, [1.0], [5.0] * 3000])
def test_nothing_at_all_is_no_crash(values):
    assert "A09" in found(context(values))
    assert "A05" not in found(context(values, operator="LessThanThreshold", threshold=1))
