"""The chart as it is drawn and as it is read."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.analysis.charts.chart import Chart, alarm_spans, describe, rows
from alarms.analysis.charts.svg import HEIGHT, NARROW, WIDE, svg

BEGIN = 1_767_571_200.0  # Monday 5 January 2026, 00:00 UTC
SVG = "{http://www.w3.org/2000/svg}"


def chart(values, **fields):
    values = np.asarray(values, dtype=float)
    return Chart("orders", BEGIN + 60.0 * np.arange(len(values)), values, 60, **fields)


def drawn(case, width=WIDE):
    """Return the parsed SVG; malformed markup raises."""
    return ElementTree.fromstring(svg(case, width))  # noqa: S314 (our own markup)


def of(root, kind):
    return [element for element in root.iter() if element.get("class") == kind]


def two_weeks():
    return np.random.default_rng(1).poisson(100, 20_160).astype(float)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_two_weeks_by_the_minute_take_no_more_places_than_pixels_and_lose_no_spike(width):
    values = two_weeks()
    values[12_345] = 500
    root = drawn(chart(values, lower=values * 0 + 60, upper=values * 0 + 140), width)

    [line] = of(root, "chart-line")
    heights = [float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", line.get("d"))]

    assert len(heights) <= 2 * width + 2
    # The spike is the top of the drawing, but for the margin.
    assert min(heights) < 12 + 0.08 * HEIGHT
    assert len(of(root, "chart-band")) == 1


def test_a_gap_interrupts_line_and_band():
    values = np.full(200, 5.0)
    values[50:100] = np.nan
    root = drawn(chart(values, lower=values - 1, upper=values + 1))

    assert of(root, "chart-line")[0].get("d").count("M") == 2
    assert len(of(root, "chart-band")) == 2


def test_spans_stand_where_they_were():
    span = (BEGIN + 3600, BEGIN + 7200)
    case = chart(np.full(240, 5.0), alarms=(span,), mutes=(span,), excluded=((0, BEGIN + 3600), (0, 1)))
    root = drawn(case)

    [alarm], [mute], [excluded] = (of(root, f"chart-{kind}") for kind in ("alarm", "mute", "excluded"))

    inner = WIDE - 56 - 12
    assert float(alarm.get("x")) == pytest.approx(56 + inner / 4, abs=0.1)
    assert float(alarm.get("width")) == pytest.approx(inner / 4, abs=0.1)
    assert mute.get("fill") == "url(#chart-hatch)"
    assert float(excluded.get("x")) == 56


def test_floor_and_ceiling_are_lines_and_one_far_away_is_named_with_an_arrow():
    root = drawn(chart([5, 6, 7, 8], floor=4, ceiling=900))

    assert len(of(root, "chart-floor")) == 1
    assert of(root, "chart-ceiling") == []
    assert [text.text for text in of(root, "chart-label")] == ["floor 4", "ceiling 900 ↑"]


def test_what_is_impossible_is_crossed_out():
    root = drawn(chart([0, 50, 100], natural_min=0, natural_max=100))

    assert len(of(root, "chart-impossible")) == 2
    assert of(drawn(chart([40, 50, 60], natural_min=0, natural_max=100)), "chart-impossible") == []


@pytest.mark.parametrize(
    ("minutes", "first", "count"),
    [(180, "Mon 5 Jan", 6), (1440, "Mon 5 Jan", 8), (10_080, "Mon 5 Jan", 7), (20_160, "Mon 5 Jan", 7)],
)
def test_times_are_round_and_fit(minutes, first, count):
    labels = [text.text for text in of(drawn(chart(np.full(minutes, 1.0))), "chart-time")]

    assert (labels[0], len(labels)) == (first, count)


def test_days_are_those_of_the_zone_on_the_day_the_clock_changes():
    begin = 1_774_738_800.0  # 29 March 2026, 00:00 in Berlin
    values = np.full(36 * 60, 1.0)
    case = replace(chart(values, tz="Europe/Berlin"), times=begin + 60.0 * np.arange(len(values)))

    labels = [text.text for text in of(drawn(case), "chart-time")]

    assert labels[0] == "Sun 29 Mar"
    assert "Mon 30 Mar" in labels


def test_no_style_and_no_script_in_the_markup_and_names_are_escaped():
    markup = svg(replace(chart([1, 2]), title='<script>"x"</script>'))

    assert "style" not in markup and "<script" not in markup
    assert drawn(chart([1, 2])).get("role") == "img"


def test_the_table_says_what_the_chart_shows():
    values = np.arange(200.0)
    values[100:] = np.nan
    case = chart(values, lower=values - 1, upper=values + 1, alarms=((BEGIN, BEGIN + 60),))

    found = rows(case, 10)

    assert len(found) == 10
    assert (found[0]["least"], found[0]["mean"], found[0]["most"]) == (0, 9.5, 19)
    assert (found[0]["lower"], found[0]["upper"]) == (8.5, 10.5)
    assert [row["alarm"] for row in found] == [True] + [False] * 9
    assert found[9]["mean"] is None
    assert describe(case).startswith("100 values from 05 Jan 2026 00:00")
    assert describe(case).endswith("In alarm 1 time.")


def test_stretches_in_alarm():
    times = BEGIN + 60.0 * np.arange(6)

    spans = alarm_spans([1, 1, 0, 0, 1, 0], times, 60, 1)

    assert spans == ((BEGIN, BEGIN + 120), (BEGIN + 240, BEGIN + 300))


@given(st.lists(st.one_of(st.floats(-1e12, 1e12), st.just(float("nan"))), max_size=50), st.booleans())
def test_anything_can_be_drawn(values, banded):
    values = np.array(values, dtype=float)
    case = chart(values, **({"lower": values - 1, "upper": values + 1} if banded else {}))

    assert drawn(case).get("class") == "chart"
    rows(case)
