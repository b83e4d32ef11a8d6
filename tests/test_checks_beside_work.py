"""check_counts beside workers that label: it neither sees a difference where none is, nor makes one.

Only PostgreSQL shows two statements of one transaction two moments: on SQLite the check shuts writers out.
"""

import threading

import pytest
from django.db import connection

from labels import labelling, summaries
from labels.models import LabelCount
from tests import factory
from tests.detect_labels import answer, label
from tests.live.processes import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

_DOG = answer(label("Dog", 90))


@pytest.fixture
def photos(dan):
    photos = factory.many_photos(dan, 12)
    for photo in photos[:2]:
        factory.label_as(photo, _DOG)
    return photos


class _Beside:
    """Labels one more photo, in a session of its own, after each of the first statements of ours."""

    def __init__(self, photos):
        self._photos = iter(photos)
        self._threads = []

    def __call__(self, execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        photo = next(self._photos, None)
        if photo:
            thread = threading.Thread(target=self._label, args=(photo,))
            self._threads.append(thread)
            thread.start()
            # Done, or held up until our transaction ends.
            wait_for(lambda: not thread.is_alive() or _somebody_waits(context["connection"]), "a photo more")
        return result

    def _label(self, photo):
        factory.label_as(photo, _DOG, version=str(photo.pk))
        connection.close()

    def join(self):
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()


def _somebody_waits(ours):
    with ours.connection.cursor() as cursor:
        return cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]


@pytest.mark.parametrize("repair", [False, True])
@pytest.mark.parametrize("differences", [labelling.count_differences, summaries.differences])
def test_what_is_labelled_meanwhile_is_no_difference(dan, photos, differences, repair):
    beside = _Beside(photos[2:])

    with connection.execute_wrapper(beside):
        found = differences(repair=repair)
    beside.join()

    assert found == []
    assert labelling.count_differences() == summaries.differences() == []
    assert 2 < LabelCount.objects.get(owner=dan).count <= 12
