import csv
import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command

START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def series(tmp_path):
    """Return how a test writes a series: five-minute values, then the file's path."""

    def write(values, name="metric.csv"):
        lines = [f"{START + timedelta(minutes=5 * i):%F %T},{value}" for i, value in enumerate(values)]
        path = tmp_path / name
        path.write_text("\n".join(["timestamp,value", *lines, ""]))
        return path

    return write


def run(path, *options):
    out, err = io.StringIO(), io.StringIO()
    call_command("alarms_score", str(path), *options, stdout=out, stderr=err)
    return list(csv.DictReader(io.StringIO(out.getvalue()))), err.getvalue()


def noisy(count, seed=1):
    return np.random.default_rng(seed).normal(50, 3, count).round(3)


def test_each_row_comes_back_with_its_band(series):
    values = noisy(1_000)
    values[900:920] = 120

    rows, err = run(series(values))

    assert list(rows[0]) == ["timestamp", "value", "expected", "lower", "upper", "breaching", "notified"]
    assert [float(row["value"]) for row in rows] == values.tolist()
    assert [row["expected"] for row in rows[:100]] == [""] * 100
    assert [i for i, row in enumerate(rows) if row["notified"] == "1"] == [901]
    assert rows[900]["timestamp"] == "2026-01-08 03:00:00"
    for row in rows[500:]:
        outside = not float(row["lower"]) <= float(row["value"]) <= float(row["upper"])
        assert row["breaching"] == str(int(outside))
    assert err == ""


@pytest.mark.parametrize("count", [1, 21, 300, 905, 1_500])
def test_the_rows_so_far_do_not_change_when_more_come(series, count):
    values = np.concatenate([noisy(1_600), noisy(400) * 9])
    values[900:920] = 120

    whole, _ = run(series(values))
    start, _ = run(series(values[:count], "start.csv"))

    assert start == whole[:count]


def test_k_m_and_n_change_what_notifies(series):
    values = noisy(1_000)
    values[900:903] = 90
    path = series(values)

    def notified(*options):
        return [i for i, row in enumerate(run(path, *options)[0]) if row["notified"] == "1"]

    assert notified() == [901]
    assert notified("--m", "3", "--n", "3") == [902]
    assert notified("--m", "4", "--n", "4") == []
    assert notified("--k", "60") == []


def test_times_may_have_an_offset_or_be_seconds_and_rows_may_lack(tmp_path):
    path = tmp_path / "metric.csv"
    path.write_text(
        "\ufeffValue,Timestamp\n5,2026-01-05T00:00:00Z\n\n,2026-01-05T02:00:00+01:00\n7,1767582000\n"
    )

    rows, _ = run(path)

    assert [(row["timestamp"], row["value"]) for row in rows] == [
        ("2026-01-05T00:00:00Z", "5"),
        ("2026-01-05T02:00:00+01:00", ""),
        ("1767582000", "7"),
    ]


def test_a_clock_set_back_by_an_hour_is_taken_and_said(tmp_path):
    path = tmp_path / "metric.csv"
    path.write_text("timestamp,value\n2026-10-25 02:55:00,1\n2026-10-25 02:00:00,2\n2026-10-25 03:00:00,3\n")

    rows, err = run(path)

    assert [row["value"] for row in rows] == ["1", "2", "3"]
    assert "1 lines are not later than the line ahead (3)" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the heading must name timestamp and value; timestamp and value is missing"),
        ("time,value\n1,2\n", "line 1: .* timestamp is missing"),
        ("timestamp,value\n", "there is no row below the heading"),
        ("timestamp,value\n1,2\n2\n", "line 3: there are 1 columns"),
        ("timestamp,value\nyesterday,2\n", "line 2: 'yesterday' is no timestamp"),
        ("timestamp,value\nnan,2\n", "line 2: 'nan' is no timestamp"),
        ("timestamp,value\n1,two\n", "line 2: 'two' is no number"),
        ("timestamp,value\n1,2\n2,nan\n", "line 3: a value must be a number up to 2\\^360 .*, not nan"),
        ("timestamp,value\n1,-inf\n", "line 2: a value must be"),
        ("timestamp,value\n9999,1\n2000,2\n", "line 3: 2000 is before the line ahead; sort the file"),
        ('timestamp,value\n1,"2\n', "line 2: unexpected end of data"),
    ],
)
def test_a_bad_file_is_refused_with_the_line(tmp_path, text, message):
    path = tmp_path / "metric.csv"
    path.write_text(text)

    with pytest.raises(CommandError, match=message):
        run(path)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    (tmp_path / "photo.csv").write_bytes(b"\xff\xd8\xff\xe0")

    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "absent.csv")
    with pytest.raises(CommandError, match="photo.csv: .*utf-8"):
        run(tmp_path / "photo.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--k", "0"], "--k must be above 0, not 0"),
        (["--k", "nan"], "--k must be above 0, not nan"),
        (["--m", "0"], "--m must be at least 1"),
        (["--m", "3", "--n", "2"], "--m 3 of --n 2 can never happen"),
        (["--quiet", "-1"], "--quiet must be 0 seconds or more"),
        (["--timezone", "Mars/Base"], "there is no zone 'Mars/Base'"),
        (["--period", "0"], "The period must be above 0"),
        (["--m", "some"], "argument --m: invalid int value"),
    ],
)
def test_options_that_make_no_sense_are_refused(series, options, message):
    with pytest.raises(CommandError, match=message):
        run(series([1, 2]), *options)
