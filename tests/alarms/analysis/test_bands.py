import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.analysis.bands.band import Band, fit, walk_forward
from tests.matrix import examples

MINUTE, HOUR, DAY, WEEK = 60, 3_600, 86_400, 604_800
MONDAY = 1_767_571_200  # 5 January 2026, 00:00 UTC
CHANGE = 1_774_746_000  # 29 March 2026, 01:00 UTC: clocks go forward in Berlin


def clock(seconds, period=300, start=MONDAY):
    return start + np.arange(0, seconds, period, dtype=float)


def waves(times, noise=5.0, seed=1):
    """Return a day's rhythm around 300 with some noise."""
    random = np.random.default_rng(seed)
    return 300 + 200 * np.sin(times / DAY * 2 * np.pi) + random.normal(0, noise, len(times))


def rows_of(band):
    return np.stack([band.expected, band.down, band.up, band.lower(3), band.upper(3)])


@examples(20)
@given(
    seed=st.integers(0, 2**32 - 1),
    cut=st.integers(0, 1_200),
    period=st.sampled_from([60, 300, 3_600]),
    tz=st.sampled_from(["UTC", "Europe/Berlin"]),
)
def test_a_row_does_not_change_for_what_comes_after_it(seed, cut, period, tz):
    random = np.random.default_rng(seed)
    steps = period * random.choice([0, 1, 1, 1, 1, 1, 1, 2, 40], 1_200)
    times = MONDAY + np.cumsum(steps).astype(float)
    values = waves(times, noise=30, seed=seed)
    values[random.random(1_200) < 0.05] = np.nan
    values[random.random(1_200) < 0.01] = 1e9
    other = values.copy()
    other[cut:] = random.choice([0.0, 1e12, -5.0, np.nan], 1_200 - cut)

    band, changed = walk_forward(times, values, tz=tz), walk_forward(times, other, tz=tz)
    short = walk_forward(times[:cut], values[:cut], tz=tz)

    # The row at the cut sees nothing but what is before it, so it is the same as well.
    np.testing.assert_array_equal(rows_of(band)[:, : cut + 1], rows_of(changed)[:, : cut + 1])
    np.testing.assert_array_equal(rows_of(band)[:, :cut], rows_of(short))
    np.testing.assert_array_equal(band.season[:cut], short.season)


@pytest.mark.parametrize("cut", [60, 287, 288, 289, 1_000, 1_367, 1_368])
def test_fit_says_of_the_next_datapoint_what_walking_forward_says(cut):
    times = clock(5 * DAY)
    values = waves(times)
    band = walk_forward(times, values)

    coming = fit(times[:cut], values[:cut])

    said = [coming.timestamp, coming.expected, coming.down, coming.up, *coming.band(2.5)]
    columns = (band.timestamps, band.expected, band.down, band.up, band.lower(2.5), band.upper(2.5))
    np.testing.assert_array_equal(said, [column[cut] for column in columns])


def test_the_band_since_a_datapoint_is_that_of_the_whole_walk():
    times = clock(3 * DAY)
    values = waves(times)

    whole, late = walk_forward(times, values), walk_forward(times, values, since=700)

    np.testing.assert_array_equal(rows_of(late)[:, 700:], rows_of(whole)[:, 700:])


@pytest.mark.parametrize(
    ("season", "values"),
    [
        ("none", lambda times: np.random.default_rng(2).normal(50, 5, len(times))),
        ("hourly", lambda times: 20 + 60 * (times % HOUR < 900)),
        ("daily", waves),
        ("weekly", lambda times: waves(times) * np.where(times % WEEK < 4 * DAY, 1, 0.3)),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_the_season_of_the_series_is_found(season, values):
    times = clock(5 * WEEK, 900 if season != "hourly" else 300)

    band = walk_forward(times, values(times))

    assert band.season[-1] == season


def test_a_fall_by_half_breaches_and_a_usual_night_does_not():
    times = clock(10 * DAY)
    values = waves(times)
    fallen = values.copy()
    fallen[-12:] /= 2

    assert walk_forward(times, values).breaching(3)[-2 * DAY // 300 :].mean() < 0.01
    assert walk_forward(times, fallen).breaching(3)[-12:-7].sum() >= 3


def test_another_k_needs_no_new_computation():
    band = walk_forward(clock(3 * DAY), waves(clock(3 * DAY)))

    np.testing.assert_array_equal(band.lower(2), band.expected - 2 * band.down)
    np.testing.assert_array_equal(band.upper(4), band.expected + 4 * band.up)


def test_after_a_step_the_band_follows():
    times = clock(8 * DAY)
    values = np.random.default_rng(3).normal(100, 2, len(times))
    values[4 * 288 :] += 80

    band = walk_forward(times, values)

    assert band.breaching(3)[4 * 288 : 4 * 288 + 3].all()
    assert band.breaching(3)[-288:].mean() < 0.02


def test_the_band_stays_inside_the_natural_limits():
    times = clock(3 * DAY, 60)
    dice = np.random.default_rng(4).integers(1, 7, len(times)).astype(float)

    bound = walk_forward(times, dice, natural_min=2.0, natural_max=100.0)

    assert np.nanmin(bound.lower(3)) == 2.0
    assert not (bound.values < bound.lower(3))[dice >= 2].any()


def test_nothing_is_learnt_from_an_excluded_range_and_it_still_has_a_band():
    times = clock(10 * DAY)
    values = waves(times)
    ill = values.copy()
    incident = slice(5 * 288, 5 * 288 + 100)
    ill[incident] = 5_000

    spoilt = walk_forward(times, ill)
    spared = walk_forward(times, ill, excluded=[(times[incident][0], times[incident][-1])])

    assert np.isfinite(spared.expected[incident]).all()
    assert spared.breaching(3)[incident].all()
    assert np.nanmax(spared.up[7 * 288 :]) < np.nanmax(spoilt.up[7 * 288 :])
    np.testing.assert_array_equal(spared.values, ill)


def test_the_seasons_follow_the_clock_of_the_zone_through_its_change():
    # The shop opens at nine on the wall, in winter and in summer.
    times = clock(14 * DAY, 900, start=CHANGE - 10 * DAY)
    wall = times + np.where(times < CHANGE, HOUR, 2 * HOUR)
    values = np.where((wall % DAY >= 9 * HOUR) & (wall % DAY < 18 * HOUR), 500.0, 20.0)
    values += np.random.default_rng(5).normal(0, 1, len(times))
    after = times > CHANGE

    berlin = walk_forward(times, values, tz="Europe/Berlin")
    utc = walk_forward(times, values)

    assert berlin.breaching(3)[after].mean() < 0.01
    wrong = [np.abs(values - band.expected)[after].mean() for band in (berlin, utc)]
    assert wrong[0] < wrong[1] / 2


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(600),
        np.full(600, 7.0),
        np.full(600, -3e9),
        np.arange(600.0),
        np.full(600, 2.0**360),
        np.where(np.arange(600) % 97 == 0, 1e15, 0.0),
        -waves(clock(600 * 300)),
    ],
    ids=["zero", "constant", "negative", "counter", "huge", "spikes", "upside down"],
)
def test_odd_series_get_a_finite_band_with_a_width(values):
    band = walk_forward(clock(600 * 300), values)

    assert np.isfinite(rows_of(band)[:, -1]).all()
    assert (band.upper(3) > band.lower(3))[-200:].all()


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_too_little_history_gives_no_band_and_no_breach(count):
    band = walk_forward(clock(count * 300), waves(clock(count * 300)))

    assert isinstance(band, Band)
    assert np.isnan(band.lower(3)).all()
    assert not band.breaching(3).any()
    assert (band.season == "").all()


def test_a_missing_value_has_a_band_and_does_not_breach():
    times = clock(4 * DAY)
    values = waves(times)
    values[-10:] = np.nan

    band = walk_forward(times, values)

    assert np.isfinite(band.lower(3)[-10:]).all()
    assert not band.breaching(0.001)[-10:].any()


@pytest.mark.parametrize(
    ("times", "values", "options", "message"),
    [
        ([0, 60], [1], {}, "2 timestamps for 1 values"),
        ([0, 120, 60], [1, 2, 3], {}, "Timestamps must rise: datapoint 3 is before"),
        ([0, np.nan], [1, 2], {}, "A timestamp is not a finite number"),
        ([0, 60], [1, np.inf], {}, "Datapoint 2 is inf; the limit is 2\\^360"),
        ([0, 60], [1, -1e200], {}, "Datapoint 2 is -1e\\+200; the limit"),
        ([0, 60], [1, 2], {"period": 0}, "The period must be above 0 seconds, not 0"),
        (
            [0, 60],
            [1, 2],
            {"natural_min": 5, "natural_max": 5},
            "minimum 5 is not below the maximum 5",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(times, values, options, message):
    with pytest.raises(ValueError, match=message):
        walk_forward(times, values, **options)


def test_a_forecast_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no datapoint to begin from"):
        fit([], [])


def test_a_season_outlasts_a_gap_of_years():
    times = clock(6 * DAY, 900)
    times[4 * 96 :] += 10 * 364 * DAY
    values = waves(times)

    band = walk_forward(times, values)

    assert band.season[-1] == "daily"
    assert band.breaching(3)[4 * 96 + 1 :].mean() < 0.02
