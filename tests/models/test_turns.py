"""Whose photo is labelled next: accounts in turn, what was added by hand before what came in bulk, by age."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from labels import tasks
from labels.labelling import attempts
from labels.maintenance import sweep
from labels.models import DirectUpload, Photo
from photomgr import turns
from tests import factory
from tests.live.processes import wait_for

pytestmark = pytest.mark.django_db

HAND, BULK = Photo.Line.BY_HAND, Photo.Line.IN_BULK


@pytest.fixture(autouse=True)
def served_nobody():
    """Begin each test with the first account; the order goes on from photo to photo otherwise."""
    turns._served.clear()


@pytest.fixture
def accounts(db):
    return {name: factory.user(name) for name in ("ann", "bob", "cat")}


def _waiting(accounts, rows):
    """Make a waiting photo of each (name, account, line, seconds ago); return nothing."""
    made = {
        account: factory.many_photos(accounts[account], len(rows)) for account in {row[1] for row in rows}
    }
    for name, account, line, ago in rows:
        Photo.objects.filter(pk=made[account].pop(0).pk).update(
            original_name=name,
            status=Photo.WAITING,
            line=line,
            next_attempt_at=timezone.now() - timedelta(seconds=ago),
        )


def _claimed():
    """Claim until nothing is due; return the names in that order."""
    return [row.original_name for row in iter(Photo.objects.claim_next, None)]


ORDERS = {
    "nothing waits": ([], ""),
    "the longest waiting first": (
        [("a", "ann", HAND, 1), ("b", "ann", HAND, 9), ("c", "ann", HAND, 5)],
        "bca",
    ),
    "accounts in turn": (
        [("a", "ann", HAND, 9), ("b", "ann", HAND, 8), ("c", "ann", HAND, 7), ("x", "bob", HAND, 1)],
        "axbc",
    ),
    "each account once a round": (
        [
            ("a", "ann", HAND, 9),
            ("b", "ann", HAND, 8),
            ("x", "bob", HAND, 2),
            ("y", "bob", HAND, 1),
            ("z", "cat", HAND, 1),
        ],
        "axzby",
    ),
    "by hand before in bulk": ([("a", "ann", BULK, 9), ("b", "ann", BULK, 8), ("c", "ann", HAND, 1)], "cab"),
    "another's import does not wait for one's uploads": (
        [("a", "ann", HAND, 9), ("b", "ann", HAND, 8), ("x", "bob", BULK, 9), ("y", "bob", BULK, 8)],
        "axby",
    ),
    "not before it is due": ([("a", "ann", HAND, -60), ("b", "ann", BULK, 1), ("x", "bob", HAND, -60)], "b"),
}


@pytest.mark.parametrize(("rows", "order"), ORDERS.values(), ids=ORDERS)
def test_the_most_urgent_photo_is_claimed(accounts, rows, order):
    _waiting(accounts, rows)

    assert _claimed() == list(order)


def test_the_round_goes_on_behind_the_account_that_was_served_last(accounts):
    _waiting(accounts, [("a", "ann", HAND, 9), ("x", "bob", HAND, 9), ("z", "cat", HAND, 9)])
    turns._served[Photo] = accounts["ann"].pk

    assert _claimed() == ["x", "z", "a"]


def test_a_claim_in_turn_holds_the_row_like_any_other(accounts):
    _waiting(accounts, [("a", "ann", HAND, 9)])

    claimed = Photo.objects.claim_next("me")

    assert (claimed.status, claimed.lease_owner, claimed.attempts) == (Photo.WORKING, "me", 1)
    assert Photo.objects.held(claimed).exists()
    assert Photo.objects.claim_next("another") is None


def test_a_task_labels_the_most_urgent_photo_and_not_the_one_it_names(accounts):
    old = factory.photo(accounts["ann"])
    other = factory.photo(accounts["bob"], factory.BLUE)
    turns._served[Photo] = accounts["ann"].pk

    tasks.label_next_photo(old.pk)

    assert Photo.objects.get(pk=other.pk).status == Photo.Status.LABELLED
    assert Photo.objects.get(pk=old.pk).status == Photo.WAITING


def test_as_many_tasks_as_photos_label_all_of_them_and_one_more_changes_nothing(accounts):
    photos = [factory.photo(accounts[name], size=(60 + n, 40)) for n in range(3) for name in ("ann", "bob")]
    for photo in photos:
        tasks.label_next_photo(photo.pk)
    before = list(Photo.objects.values())

    tasks.label_next_photo(photos[0].pk)

    assert {row["status"] for row in before} == {Photo.Status.LABELLED}
    assert list(Photo.objects.values()) == before


def test_a_task_labels_the_photo_it_names_when_its_worker_died_and_nothing_is_in_line(accounts):
    photo = factory.photo(accounts["ann"])
    Photo.objects.claim(photo.pk, "dead")
    Photo.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    tasks.label_next_photo(photo.pk)

    assert Photo.objects.get().status == Photo.Status.LABELLED


def test_the_sweep_puts_the_photo_of_a_dead_worker_back_where_it_was(accounts):
    _waiting(accounts, [("a", "ann", HAND, 9), ("b", "ann", HAND, 5)])
    first = Photo.objects.claim_next("dead")
    Photo.objects.filter(pk=first.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert sweep.STEPS["photos_put_back"](timezone.now()) == 1

    assert not Photo.objects.held(first).exists()
    again = Photo.objects.claim_next("me")
    assert (again.pk, again.attempts) == (first.pk, 2)


def test_a_photo_that_wore_out_its_attempts_is_not_put_back(accounts, settings):
    settings.MAX_ATTEMPTS = 1
    _waiting(accounts, [("a", "ann", HAND, 9)])
    Photo.objects.claim_next("dead")
    Photo.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    assert Photo.objects.put_back(timezone.now()) == 0
    assert Photo.objects.worn_out(timezone.now()).count() == 1


def test_a_waiting_photo_has_an_attempt_left_when_the_limit_was_lowered(accounts, settings):
    photo = factory.photo(accounts["ann"], factory.CYAN)
    Photo.objects.update(attempts=5)
    settings.MAX_ATTEMPTS = 3

    tasks.label_next_photo(photo.pk)

    photo.refresh_from_db()
    assert photo.status == Photo.Status.FAILED
    assert photo.failure_reason == "The fake detector is away over cyan. (given up after 6 attempts)"


def test_files_sent_to_the_bucket_are_taken_in_turn_too(accounts):
    for number, name in enumerate(("ann", "ann", "bob")):
        DirectUpload.objects.create(
            owner=accounts[name],
            key=f"{number}",
            name=f"{name} {number}",
            size=1,
            status=DirectUpload.WAITING,
        )

    taken = [row.name for row in iter(DirectUpload.objects.claim_next, None)]

    assert taken == ["ann 0", "bob 2", "ann 1"]


def _plans(claim):
    """Return the query plans of the choice that `claim` makes."""
    plans, explained = [], "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "

    def explain(execute, sql, params, many, context):
        if "'pending'" in sql and not sql.startswith("EXPLAIN"):
            rows = connection.cursor()
            rows.execute(explained + sql, params)
            plans.append("\n".join(str(row[-1]) for row in rows.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        claim()
    return plans


@pytest.mark.parametrize(("waiting", "done"), [(5, 2000), (2000, 5)], ids=["few wait", "many wait"])
def test_the_choice_reads_the_index_and_no_more(accounts, waiting, done):
    Photo.objects.bulk_create(
        Photo(
            owner=accounts["ann" if number % 2 else "bob"],
            original_name=f"{number}",
            format="JPEG",
            size=1,
            sha256=f"{number:064x}",
            crc32=1,
            width=1,
            height=1,
            line=BULK,
            status=Photo.WAITING if number < waiting else Photo.Status.LABELLED,
        )
        for number in range(waiting + done)
    )
    # PostgreSQL does it by itself; nobody does it on SQLite.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    plans = _plans(Photo.objects.claim_next)

    # The account with its first line, the photo.
    assert len(plans) == 2
    # Of a few that wait PostgreSQL may read all, by the index of those that wait.
    indexes = ["photo_in_turn"] if waiting > done else ["photo_in_turn", "photo_work"]
    assert all(any(index in plan for index in indexes) for plan in plans), plans
    assert not any("Sort" in plan or "TEMP B-TREE" in plan for plan in plans), plans


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_worker_passes_by_the_photo_that_another_is_claiming(accounts):
    _waiting(accounts, [("a", "ann", HAND, 9), ("b", "ann", HAND, 5)])
    found = []

    def claim():
        found.append(Photo.objects.claim_next("another").original_name)
        connection.close()

    other = threading.Thread(target=claim)
    with transaction.atomic():
        assert Photo.objects.claim_next("me").original_name == "a"
        other.start()
        wait_for(lambda: found, "the other worker claimed without waiting")
    other.join()

    assert found == ["b"]


@pytest.mark.parametrize(("count", "line"), [(1, HAND), (101, BULK)], ids=["a few", "many"])
def test_what_is_labelled_again_waits_by_hand_or_in_bulk(accounts, count, line):
    factory.many_photos(accounts["ann"], count)

    attempts.label_again(Photo.objects.all())

    assert set(Photo.objects.values_list("status", "line")) == {(Photo.WAITING, line)}
