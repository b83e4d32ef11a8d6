"""When mutes are in force."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from alarms.cloudwatch import mute_schedules

SATURDAY = datetime(2026, 11, 21, tzinfo=UTC)


def mute(schedule, minutes=60, timezone="UTC", starts_at=None, ends_at=None):
    return SimpleNamespace(
        schedule=schedule, minutes=minutes, timezone=timezone, starts_at=starts_at, ends_at=ends_at
    )


def hours(found):
    return [(begin.strftime("%a %H:%M"), until.strftime("%a %H:%M")) for begin, until in found]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("at(2026-11-22T22:00)", [("Sun 22:00", "Sun 23:00")]),
        ("at(2026-10-22T22:00)", []),
        ("cron(0 2 * * SUN)", [("Sun 02:00", "Sun 03:00")]),
        ("cron(30 23 * * 1-2)", [("Mon 23:30", "Tue 00:00")]),
        ("cron(0 2 * * 7)", [("Sun 02:00", "Sun 03:00")]),
        ("cron(0 0 22 11 *)", [("Sun 00:00", "Sun 01:00")]),
        ("cron(0 0 22 * MON)", [("Sun 00:00", "Sun 01:00"), ("Mon 00:00", "Mon 01:00")]),
        ("cron(0 0,12 * NOV sat)", [("Sat 00:00", "Sat 01:00"), ("Sat 12:00", "Sat 13:00")]),
        ("cron(0 0 1 1 *)", []),
        ("cron(*/30 5 * * 6)", [("Sat 05:00", "Sat 06:30")]),
        ("cron(0 20/2 * * 6)", [("Sat 20:00", "Sat 21:00"), ("Sat 22:00", "Sat 23:00")]),
    ],
)
def test_schedules(schedule, expected):
    assert hours(mute_schedules.spans(mute(schedule), SATURDAY, SATURDAY + timedelta(days=3))) == expected


def test_one_that_began_before_is_still_in_force():
    weekend = mute("cron(0 18 * * FRI)", minutes=48 * 60)

    assert mute_schedules.in_force(weekend, SATURDAY)
    assert not mute_schedules.in_force(weekend, SATURDAY + timedelta(hours=42))


def test_the_zone_is_that_of_the_wall_clock_in_summer_and_winter():
    nightly = mute("cron(0 2 * * *)", minutes=30, timezone="Europe/Berlin")
    summer = datetime(2026, 7, 1, tzinfo=UTC)

    assert hours(mute_schedules.spans(nightly, SATURDAY, SATURDAY + timedelta(days=1))) == [
        ("Sat 01:00", "Sat 01:30")
    ]
    assert hours(mute_schedules.spans(nightly, summer, summer + timedelta(days=1)))[0] == (
        "Wed 00:00",
        "Wed 00:30",
    )


def test_not_before_and_not_after():
    limited = mute(
        "cron(0 * * * *)", 60, starts_at=SATURDAY + timedelta(hours=3), ends_at=SATURDAY + timedelta(hours=5)
    )

    assert hours(mute_schedules.spans(limited, SATURDAY, SATURDAY + timedelta(days=1))) == [
        ("Sat 03:00", "Sat 05:00")
    ]


@pytest.mark.parametrize(
    ("schedule", "minutes", "ends_at", "expected"),
    [
        ("cron(0 0 * * *)", 1440, None, True),
        ("cron(0 0 * * *)", 1439, None, False),
        ("cron(0 0 * * *)", 1440, SATURDAY + timedelta(days=400), False),
        ("cron(* * * * *)", 1, None, True),
    ],
)
def test_a_mute_without_end(schedule, minutes, ends_at, expected):
    assert mute_schedules.for_ever(mute(schedule, minutes, ends_at=ends_at), SATURDAY) is expected


@pytest.mark.parametrize(
    ("schedule", "timezone", "said"),
    [
        ("every day", "UTC", "neither at"),
        ("at(noon)", "UTC", "'noon' is not a time"),
        ("at(2026-11-21T22:00+01:00)", "UTC", "zone of its own"),
        ("cron(0 2 * *)", "UTC", "five fields"),
        ("cron(60 2 * * *)", "UTC", "'60' is no minute; it goes from 0 to 59"),
        ("cron(0 2 * FOO *)", "UTC", "'FOO' is no month"),
        ("cron(0 5-2 * * *)", "UTC", "'5-2' is no hour"),
        ("cron(*/0 2 * * *)", "UTC", "is no minute"),
        ("cron(0 2 * * *)", "Mars/Base", "'Mars/Base' is no time zone"),
        ("cron(0 2 * * *)", "../etc", "no time zone"),
    ],
)
def test_what_cannot_be_read_is_said(schedule, timezone, said):
    with pytest.raises(mute_schedules.BadSchedule, match=said):
        mute_schedules.check_schedule(schedule, timezone)


@pytest.mark.parametrize(
    ("row", "over"),
    [
        (mute("cron(0 2 * * SUN)"), False),
        (mute("cron(0 2 * * SUN)", ends_at=SATURDAY), True),
        (mute("cron(0 2 * * SUN)", ends_at=SATURDAY + timedelta(hours=1)), False),
        (mute("at(2026-11-20T23:30)"), False),
        (mute("at(2026-11-20T23:00)"), True),
        # An hour ahead of UTC: it ended at 23:30.
        (mute("at(2026-11-20T23:30)", timezone="Europe/Berlin"), True),
        (mute("at(2027-01-01T00:00)"), False),
    ],
)
def test_a_mute_that_will_not_be_in_force_again_is_over(row, over):
    assert mute_schedules.is_over(row, SATURDAY) is over
