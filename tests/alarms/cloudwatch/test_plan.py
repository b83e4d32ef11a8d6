"""Wanted against existing: what differs, what does not, in which order, and what is never touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.cloudwatch.definitions import detector_key, detector_of, differences
from alarms.cloudwatch.plan import CREATE, DELETE, DETECTOR, Existing, ExistingAlarm, Wanted, plan
from tests.alarms.definitions import TOPIC, band, composite, math, query, static

PREFIX = "shop-"
NO_DETECTOR = {"SingleMetricAnomalyDetector": {"Namespace": "Shop", "MetricName": "other", "Stat": "Sum"}}


def wanted(*definitions, **fields):
    return Wanted(
        **{"prefix": PREFIX, "alarms": {d["AlarmName"]: d for d in definitions}, "detectors": {}, **fields}
    )


def existing(*definitions, detectors=(), **fields):
    alarms = {d["AlarmName"]: ExistingAlarm(d) for d in definitions}
    return Existing(alarms, {detector_key(d): d for d in detectors}, **fields)


def steps(found):
    return [(change.verb, change.subject, change.name) for change in found.changes]


A, B = {"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}
BAND = band()["Metrics"]
SAME = {
    "M of all N": (static(), static(DatapointsToAlarm=3)),
    "missing by default": (static(), static(TreatMissingData="missing")),
    "order of dimensions": (static(Dimensions=[A, B]), static(Dimensions=[B, A])),
    "no unit": (static(), static(Unit=None)),
    "empty lists": (static(), static(OKActions=[], Dimensions=[], AlarmDescription="", ActionsEnabled=True)),
    "order of actions": (static(OKActions=[TOPIC, TOPIC + "2"]), static(OKActions=[TOPIC + "2", TOPIC])),
    "returned by default": (
        math(Metrics=[query("a", ReturnData=True)]),
        math(Metrics=[{k: v for k, v in query("a").items() if k != "ReturnData"}]),
    ),
    "order of queries": (math(), math(Metrics=math()["Metrics"][::-1])),
    "the band returned or not": (band(), band(Metrics=[BAND[0], {**BAND[1], "ReturnData": False}])),
    "spaces in the band": (
        band(),
        band(Metrics=[BAND[0], {**BAND[1], "Expression": "ANOMALY_DETECTION_BAND(m1,3.0)"}]),
    ),
    "spelling of a rule": (composite(rule="ALARM(a) OR OK( 'b' )"), composite(rule='ALARM("a")  OR OK("b")')),
    "sliding by default": (static(), static(EvaluationWindow={"SlidingWindow": {}})),
    "whole numbers": (static(Threshold=1), static(Threshold=1.0)),
}
OTHER = {
    "M": (static(), static(DatapointsToAlarm=2), "DatapointsToAlarm"),
    "threshold": (static(), static(Threshold=2.0), "Threshold"),
    "missing data": (static(), static(TreatMissingData="breaching"), "TreatMissingData"),
    "k": (band(k=3), band(k=2.5), "Metrics"),
    "an action": (static(), static(AlarmActions=[TOPIC]), "AlarmActions"),
    "switched off": (static(), static(ActionsEnabled=False), "ActionsEnabled"),
    "rule": (composite(), composite(rule='ALARM("shop-floor") AND ALARM("shop-band")'), "AlarmRule"),
    "warm-up": (
        static(),
        static(WarmUpConfiguration={"WarmUpPeriodDurationInMinutes": 5}),
        "WarmUpConfiguration",
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_what_means_the_same_is_no_change(one, other):
    assert differences(one, other) == differences(other, one) == ()


@pytest.mark.parametrize(("old", "new", "field"), OTHER.values(), ids=OTHER)
def test_what_means_something_else_is_an_update_of_that_field(old, new, field):
    found = plan(wanted(new), existing(old, detectors=[detector_of(band())]))

    (change,) = found.changes
    assert (change.verb, [name for name, _, _ in change.fields]) == ("update", [field])


def test_detectors_come_first_and_composites_after_what_they_ask_about():
    outer = composite("shop-a-outer", rule='ALARM("shop-z-inner")')
    inner = composite("shop-z-inner", rule='ALARM("shop-band")')

    found = plan(wanted(outer, inner, band(), static()), existing())

    assert steps(found) == [
        (CREATE, DETECTOR, "Shop orders Sum (Shop=Berlin)"),
        (CREATE, "alarm", "shop-band"),
        (CREATE, "alarm", "shop-floor"),
        (CREATE, "composite", "shop-z-inner"),
        (CREATE, "composite", "shop-a-outer"),
    ]


def test_deletion_goes_the_other_way_and_takes_the_detector_along():
    outer = composite("shop-a-outer", rule='ALARM("shop-z-inner")')
    inner = composite("shop-z-inner", rule='ALARM("shop-band")')

    found = plan(wanted(), existing(outer, inner, band(), detectors=[detector_of(band())]), prune=True)

    assert steps(found) == [
        (DELETE, "composite", "shop-a-outer"),
        (DELETE, "composite", "shop-z-inner"),
        (DELETE, "alarm", "shop-band"),
        (DELETE, DETECTOR, "Shop orders Sum (Shop=Berlin)"),
    ]


@pytest.mark.parametrize("other", [band("shop-second"), band("else-band")], ids=["of ours", "of others"])
def test_a_detector_that_another_alarm_uses_stays(other):
    goal = wanted(*[other] * other["AlarmName"].startswith(PREFIX), switched_off=frozenset({"shop-band"}))

    found = plan(goal, existing(band(), other, detectors=[detector_of(band())]))

    assert steps(found) == [(DELETE, "alarm", "shop-band")]


def test_a_detector_left_by_an_interrupted_run_is_cleaned_up():
    key = detector_key(detector_of(band()))

    found = plan(
        wanted(known_detectors=frozenset({key})), existing(detectors=[detector_of(band()), NO_DETECTOR])
    )

    assert steps(found) == [(DELETE, DETECTOR, "Shop orders Sum (Shop=Berlin)")]


def test_settings_of_a_shared_detector_are_left_alone_and_that_is_said():
    detector = {**detector_of(band()), "Configuration": {"MetricTimezone": "Europe/Berlin"}}
    goal = wanted(band(), detectors={detector_key(detector): detector})

    alone = plan(goal, existing(band(), detectors=[detector_of(band())]))
    shared = plan(goal, existing(band(), band("else-band"), detectors=[detector_of(band())]))

    assert alone.changes[0].fields == (("MetricTimezone", None, "Europe/Berlin"),)
    assert shared.changes == ()
    assert "else-band" in shared.notes[0]


def test_without_prune_what_no_configuration_names_is_listed_and_left():
    found = plan(wanted(), existing(static(), static("else-floor")))

    assert (found.changes, found.unmanaged) == ((), ("shop-floor",))


def test_kinds_that_are_not_managed_are_never_deleted():
    found = plan(
        wanted(static()), existing(static(Threshold=9.0), foreign=frozenset({"shop-floor"})), prune=True
    )

    assert found.changes == ()


def test_a_name_that_becomes_another_kind_is_freed_first():
    found = plan(wanted(composite("shop-floor", rule='ALARM("shop-x")')), existing(static()))

    assert [step[:2] for step in steps(found)] == [(DELETE, "alarm"), (CREATE, "composite")]


def test_the_cost_follows_from_metrics_bands_and_composites():
    fast = static("shop-fast", Period=10)

    found = plan(
        wanted(static(), math(), band(), composite(), fast), existing(static(), static("else-floor"))
    )

    # 0.10 + 2 x 0.10 + 3 x 0.10 + 0.50 + 0.30
    assert (found.cost_before, found.cost_after) == (0.1, 1.4)


def test_the_fingerprint_is_of_what_would_be_done():
    one, again = plan(wanted(static()), existing()), plan(wanted(static()), existing(static("else-floor")))
    other = plan(wanted(static(Threshold=2.0)), existing())

    assert one.fingerprint == again.fingerprint != other.fingerprint


NAMES = st.sampled_from(["shop-a", "shop-b", "shop-c", "shop", "shopping", "else-a", "Shop-a", ""])
METRICS = st.sampled_from(["orders", "errors"])
MADE = st.one_of(
    st.builds(static, NAMES, Threshold=st.sampled_from([1.0, 2.0])),
    st.builds(band, NAMES, METRICS, st.sampled_from([2, 3])),
    st.builds(composite, NAMES, st.sampled_from(['ALARM("shop-a")', 'ALARM("else-a") OR ALARM("shop-b")'])),
)
ALARMS = st.lists(MADE, max_size=6, unique_by=lambda d: d["AlarmName"])
DETECTORS = [detector_of(band(metric=metric)) for metric in ("orders", "errors")] + [NO_DETECTOR]
ZONED = [{**d, "Configuration": {"MetricTimezone": "UTC"}} for d in DETECTORS]


def _carried_out(found, before):
    """Return what exists after the plan."""
    alarms, detectors = dict(before.alarms), dict(before.detectors)
    for change in found.changes:
        group = detectors if change.subject == DETECTOR else alarms
        key = detector_key(change.after or change.before) if change.subject == DETECTOR else change.name
        if change.verb == DELETE:
            del group[key]
        else:
            group[key] = change.after if change.subject == DETECTOR else ExistingAlarm(change.after)
    return Existing(alarms, detectors, before.foreign)


@given(
    ALARMS,
    ALARMS,
    st.lists(st.sampled_from(DETECTORS), unique_by=detector_key),
    st.lists(st.sampled_from(ZONED), unique_by=detector_key),
    st.sets(NAMES),
    st.booleans(),
)
def test_nothing_outside_the_prefix_is_ever_changed(want, have, learning, zoned, off, prune):
    goal = wanted(
        *want,
        detectors={detector_key(d): d for d in zoned},
        switched_off=frozenset(off - {d["AlarmName"] for d in want}),
        known_detectors=frozenset(map(detector_key, zoned)),
    )
    before = existing(*have, detectors=learning)
    others = [d for d in have if not d["AlarmName"].startswith(PREFIX)]
    theirs = {detector_key(d) for d in map(detector_of, others) if d}

    found = plan(goal, before, prune)

    for change in found.changes:
        if change.subject != DETECTOR:
            assert change.name.startswith(PREFIX)
        elif change.verb != CREATE:
            assert detector_key(change.before) not in theirs
    after = _carried_out(found, before)
    assert {n: a for n, a in after.alarms.items() if not n.startswith(PREFIX)} == {
        d["AlarmName"]: ExistingAlarm(d) for d in others
    }
    assert plan(goal, after, prune).changes == ()


@given(ALARMS, ALARMS, st.integers(0, 12))
def test_stopped_anywhere_and_planned_again_it_ends_at_the_same(want, have, stop):
    learning = {detector_key(d): d for d in map(detector_of, have) if d}
    goal = wanted(*want, known_detectors=frozenset(learning))
    before = Existing({d["AlarmName"]: ExistingAlarm(d) for d in have}, learning)
    whole = plan(goal, before, prune=True)

    part = _carried_out(plan(goal, before, prune=True).__class__(whole.changes[:stop], (), (), 0, 0), before)
    rest = _carried_out(plan(goal, part, prune=True), part)

    assert set(rest.alarms) == set(_carried_out(whole, before).alarms)
    assert set(rest.detectors) == set(_carried_out(whole, before).detectors)
    assert plan(goal, rest, prune=True).changes == ()
