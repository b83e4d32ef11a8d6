"""While one account's import waits for labels, others' mails, alarms and photos pass it: with real workers.

What passed is told by what was labelled meanwhile, not by a clock; benchmarks/lanes.py has the seconds.
"""

import pytest

from tests import factory
from tests.live import queues
from tests.matrix import first_in_gate

pytestmark = pytest.mark.worker

# Imported by so many at a time: a command of a test may take two minutes.
_AT_ONCE = 500
# In two workers' hands, in their cluster's memory, and one for each photo of the other account.
_FEW = 12

_OF_EVE = """
from django.contrib.auth import get_user_model
from labels.bundles.request import request_bundle
from labels.intake.add import add_photo
from labels.selection.predicate import Selection
from tests import factory
eve = get_user_model().objects.create_user("eve", "eve@example.com")
for number in range(3):
    assert add_photo(factory.picture(factory.BLUE, (300 + number, 40)), "sea.jpg", eve).photo
request_bundle(eve, Selection(everything=True))
"""
_READY = "SELECT count(*) FROM labels_bundle WHERE status = 'ready'"
_SENT = "SELECT sent_at FROM labels_delivery WHERE status = 'sent'"
_LABELLED = "SELECT labelled_at FROM labels_photo WHERE original_name = 'sea.jpg' AND status = 'labelled'"
_WAITING = "SELECT count(*) FROM labels_photo WHERE status = 'pending'"
_BEFORE = "SELECT count(*) FROM labels_photo WHERE original_name LIKE 'IMG%' AND labelled_at < ?"


@pytest.fixture
def queue(request, tmp_path):
    """Return the variables of the queue that the test is for."""
    if request.param == "SQS":
        with queues.sqs() as variables:
            yield variables
    elif request.param == "Redis":
        server = queues.RedisServer(tmp_path)
        yield {"QUEUE_URL": server.url}
        server.kill()
    else:
        yield {}


def _import(installation, folder, count):
    """Import so many pictures as dan's, all different."""
    for first in range(0, count, _AT_ONCE):
        part = folder / str(first)
        part.mkdir(parents=True)
        for number in range(first, min(count, first + _AT_ONCE)):
            size = 40 + number % 100, 30 + number // 100
            (part / f"IMG_{number:05}.jpg").write_bytes(factory.picture(factory.RED, size).read())
        installation.json("import_photos", str(part), "--owner", "dan")


@pytest.mark.parametrize(
    ("queue", "count"),
    first_in_gate(("database", 300), ("Redis", 300), ("SQS", 300), ("database", 5000)),
    indirect=["queue"],
)
def test_a_mail_and_a_small_upload_pass_a_large_import(install, tmp_path, queue, count):
    installation = install(LABELS_DETECTOR="fake", QUEUE_WORKERS="2", **queue)
    _import(installation, tmp_path / "camera", count)
    installation.manage("shell", "-c", _OF_EVE)
    assert installation.value(_WAITING) == count + 3
    installation.start_cluster("bundles")
    installation.wait_for(lambda: installation.value(_READY) == 1, "the download was built")

    installation.start_cluster()

    installation.wait_for(lambda: len(installation.rows(_LABELLED)) == 3, "eve's photos are labelled")
    installation.wait_for(lambda: installation.value(_SENT), "the mail was sent")
    [(sent_at,)] = installation.rows(_SENT)
    labelled_at = max(moment for (moment,) in installation.rows(_LABELLED))
    assert installation.value(_BEFORE, sent_at) <= _FEW
    assert installation.value(_BEFORE, labelled_at) <= _FEW
