"""Counting by rows: exact at the limit, whatever the clock does, and for many at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from photomgr.accounts import rates
from photomgr.accounts.models import RateCount


@pytest.mark.django_db
def test_the_limit_is_exact_and_another_key_has_its_own():
    assert [rates.take("x", 1, 3, 60) for _ in range(4)][:3] == [0, 0, 0]
    assert 55 <= rates.take("x", 1, 3, 60) <= 60
    assert rates.take("x", 2, 3, 60) == rates.take("y", 1, 3, 60) == 0


@pytest.mark.django_db
def test_several_at_once_are_taken_or_not_as_a_whole():
    assert rates.take("x", 1, 10, 60, 8) == 0
    assert rates.take("x", 1, 10, 60, 3) > 0
    assert rates.take("x", 1, 10, 60, 2) == 0
    assert rates.take("new", 1, 10, 60, 11) > 0


@pytest.mark.django_db
def test_no_limit_counts_nothing():
    assert [rates.take("x", 1, 0, 60) for _ in range(9)] == [0] * 9
    assert not RateCount.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "moved", [timedelta(seconds=-61), timedelta(days=1)], ids=["over", "a clock was ahead"]
)
def test_a_count_that_is_over_begins_anew(moved):
    rates.take("x", 1, 1, 60)
    RateCount.objects.update(ends_at=timezone.now() + moved)

    assert rates.take("x", 1, 1, 60) == 0
    assert rates.take("x", 1, 1, 60) > 0


@pytest.mark.django_db
def test_what_was_left_of_a_time_that_is_over_is_not_added_to_the_next():
    rates.take("x", 1, 3, 60)
    RateCount.objects.update(ends_at=timezone.now() - timedelta(seconds=1))

    assert [rates.take("x", 1, 3, 60) > 0 for _ in range(4)] == [False, False, False, True]
    assert RateCount.objects.get().count == 3


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_no_more_than_the_limit():
    def one(_):
        try:
            return rates.take("x", 1, 5, 60)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(one, range(16)))

    assert waits.count(0) == 5


@pytest.mark.parametrize(("seconds", "words"), [(1, "1 second"), (60, "60 seconds"), (1800, "30 minutes")])
def test_a_wait_in_words(seconds, words):
    assert rates.in_words(seconds) == words
