"""Workers that build downloads and are killed at a chosen call: `python -m tests.live.builders SCENARIO …`.

Runs on the installation of its environment. Every build is a process of its own, forked from one that has
imported everything; it dies by a real SIGKILL, with nothing tidied up. One JSON document on stdout.
"""

# ruff: noqa: E402 (Django is set up before its models are imported)

import hashlib
import json
import os
import random
import signal
import sys
import traceback
from datetime import timedelta

import django

django.setup()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from labels import tasks
from labels.bundles import lifecycle
from labels.bundles.request import request_bundle
from labels.models import Bundle, BundleChunk, Delivery
from labels.models.bundle import bundle_files
from labels.selection.predicate import Selection
from labels.storage import multipart
from labels.storage.bucket import BucketStorage
from photomgr import aws

OUTCOME = settings.DATA_DIR / "outcome.json"


class Calls:
    """Counts the calls of a process, and signals the process itself at one of them."""

    def __init__(self, at=None, function=None, number=signal.SIGKILL):
        self.at, self.function, self.number = at, function, number
        self.count = self.chunks = 0

    def __call__(self, frame, event, argument):
        name = frame.f_code.co_name
        if event == "return" and name == "record" and frame.f_code.co_filename.endswith("chunks.py"):
            self.chunks += 1
        if event not in ("call", "c_call"):
            return
        if self.function is None or (event == "call" and name == self.function and _is_ours(frame)):
            self.count += 1
            if self.count == self.at:
                os.kill(os.getpid(), self.number)


def _is_ours(frame):
    # botocore, too, has a function `record`.
    return "/labels/" in frame.f_code.co_filename


def start(work, pk, calls):
    """Fork a process that does `work(pk)`, watched by `calls`; return its pid."""
    connection.close()
    if pid := os.fork():
        return pid
    try:
        if isinstance(bundle_files(), BucketStorage):
            # Ten times slower when it is watched.
            aws.client("s3")
        sys.setprofile(calls)
        work(pk)
        sys.setprofile(None)
        counted = {"calls": calls.count, "chunks": calls.chunks}
        OUTCOME.with_name(f"outcome-{os.getpid()}.json").write_text(json.dumps(counted))
        os._exit(0)
    except BaseException:  # noqa: BLE001 (a forked process must never go on as its parent)
        traceback.print_exc()
    finally:
        os._exit(1)


def ended(pid):
    """Return how the process counted, or None when it was killed; then its leases are over."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        _end_leases()
        return None
    assert os.WEXITSTATUS(status) == 0, status
    return json.loads(OUTCOME.with_name(f"outcome-{pid}.json").read_text())


def _end_leases():
    over = timezone.now() - timedelta(seconds=1)
    Bundle.objects.filter(lease_until__gt=over).update(lease_until=over)
    BundleChunk.objects.filter(lease_until__gt=over).update(lease_until=over)


def build(pk, *kills):
    """Build with a kill at each of `kills`, then undisturbed; return how many struck, and the last count."""
    struck = 0
    for calls in kills:
        struck += ended(start(tasks.build_bundle, pk, calls)) is None
    return struck, ended(start(tasks.build_bundle, pk, Calls()))


def ask(part_bytes, like=None):
    """Return a queued bundle of everything; `like` another one it gives the same bytes."""
    owner = get_user_model().objects.get()
    bundle = request_bundle(owner, Selection(everything=True), part_bytes, lease_owner="nobody")
    queued = {"status": Bundle.Status.QUEUED, "attempts": 0, "lease_owner": "", "lease_until": None}
    if like:
        # The manifest is dated by the moment of the request.
        queued["created_at"] = Bundle.objects.get(pk=like).created_at
    Bundle.objects.filter(pk=bundle.pk).update(**queued)
    return bundle.pk


def outcome(pk):
    """Return what became of a bundle: its state, archives, files left over, and mails."""
    for _ in range(2):  # A task may be delivered twice.
        for delivery in Delivery.objects.filter(notice__bundle=pk):
            tasks.deliver(delivery.pk)
    bundle = Bundle.objects.get(pk=pk)
    for part in bundle.parts.all():
        tasks.add_sum(part.pk)
    parts = list(bundle.parts.all())
    link = f"/bundles/{pk}/"
    mails = [path for path in settings.MAIL_DIR.glob("*") if link in path.read_text()]
    return {
        "status": bundle.status,
        "sha256": [_sha256(part) for part in parts],
        "said": [part.sha256 for part in parts],
        "left_over": sorted(set(_lying(pk)) - {part.file.name for part in parts}) + _unfinished(pk),
        "mails": len(mails),
        "counted": [bundle.photos_done, bundle.bytes_done - sum(part.size for part in parts)],
        "chunks": BundleChunk.objects.filter(part__bundle=pk).count(),
    }


def _sha256(part):
    with bundle_files().open(part.file.name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lying(pk):
    """Return the names of what is stored of a bundle."""
    if isinstance(bundle_files(), BucketStorage):
        return [name for name, _, _ in bundle_files().walk(within=f"{pk}/")]
    return [f"{pk}/{path.name}" for path in (settings.DATA_DIR / "bundles" / str(pk)).glob("*")]


def _unfinished(pk):
    if isinstance(bundle_files(), BucketStorage):
        return [f"upload of {name}" for name, _, _ in multipart.list_uploads(bundle_files(), f"{pk}/")]
    return []


def killed(seed, builds, part_bytes):
    """Kill each build one to three times at random calls."""
    chance = random.Random(seed)
    reference = ask(part_bytes)
    _, whole = build(reference)
    found = {"reference": outcome(reference), "made": whole["chunks"], "builds": []}
    for _ in range(builds):
        pk = ask(part_bytes, reference)
        points = [chance.randrange(1, whole["calls"] * 9 // 10)]
        points += [chance.randrange(1, whole["calls"]) for _ in range(chance.randrange(3))]
        struck, last = build(pk, *map(Calls, points))
        found["builds"].append({**outcome(pk), "points": points, "struck": struck, "made": last["chunks"]})
    return found


def at_points(part_bytes, *points):
    """Kill builds at the entry of given functions ("name:time")."""
    reference = ask(part_bytes)
    _, whole = build(reference)
    found = {"reference": outcome(reference), "made": whole["chunks"], "builds": []}
    for point in points:
        function, _, time = point.partition(":")
        pk = ask(part_bytes, reference)
        struck, last = build(pk, Calls(int(time), function))
        found["builds"].append({**outcome(pk), "point": point, "struck": struck, "made": last["chunks"]})
    return found


def together(part_bytes):
    """Build with two processes at once; the first stands still until the second has made a chunk."""
    reference = ask(part_bytes)
    build(reference)
    pk = ask(part_bytes, reference)
    leader = start(tasks.build_bundle, pk, Calls(2, "make", signal.SIGSTOP))
    os.waitpid(leader, os.WUNTRACED)

    def help_twice(pk):
        chunks = BundleChunk.objects.filter(part__bundle=pk, done=True)
        before = chunks.count()
        helping = Calls()
        # One chunk while the leader stands still, the rest beside it.
        sys.setprofile(None)
        _help_with_one(pk)
        assert chunks.count() == before + 1
        os.kill(leader, signal.SIGCONT)
        sys.setprofile(helping)
        tasks.join_build(pk)

    helper = start(help_twice, pk, Calls())
    return {
        "reference": outcome(reference),
        "helper_code": os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1]),
        "leader": ended(leader),
        "builds": [outcome(pk)],
    }


def cancelled(part_bytes, *points):
    """Cancel builds whose worker stands still at a point and goes on afterwards, or was killed there."""
    found = {"builds": []}
    for point in points:
        for number in (signal.SIGSTOP, signal.SIGKILL):
            pk = ask(part_bytes)
            function, _, time = point.partition(":")
            worker = start(tasks.build_bundle, pk, Calls(int(time), function, number))
            os.waitpid(worker, os.WUNTRACED)
            before = _lying(pk) + _unfinished(pk)
            lifecycle.cancel(Bundle.objects.get(pk=pk))
            code = None
            if number == signal.SIGSTOP:
                os.kill(worker, signal.SIGCONT)
                code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
            after = _lying(pk) + _unfinished(pk)
            status = Bundle.objects.get(pk=pk).status
            found["builds"].append(
                {"point": point, "status": status, "before": before, "after": after, "code": code}
            )
    return found


def twice(part_bytes, *points):
    """Build with a worker that stands still until another has taken its place and ended."""
    reference = ask(part_bytes)
    build(reference)
    found = {"reference": outcome(reference), "builds": []}
    for point in points:
        function, _, time = point.partition(":")
        pk = ask(part_bytes, reference)
        slow = start(tasks.build_bundle, pk, Calls(int(time), function, signal.SIGSTOP))
        os.waitpid(slow, os.WUNTRACED)
        _end_leases()
        ended(start(tasks.build_bundle, pk, Calls()))
        os.kill(slow, signal.SIGCONT)
        code = os.waitstatus_to_exitcode(os.waitpid(slow, 0)[1])
        found["builds"].append({**outcome(pk), "point": point, "code": code})
    return found


def _help_with_one(pk):
    from labels.bundles import chunks
    from labels.bundles.part_content import PartContent

    chunk = BundleChunk.objects.filter(part__bundle=pk).select_related("part__bundle").claim_next("helper")
    chunks.make(chunk, PartContent(chunk.part))


if __name__ == "__main__":
    scenarios = (killed, at_points, together, cancelled, twice)
    scenario = {function.__name__: function for function in scenarios}[sys.argv[1]]
    print(json.dumps(scenario(*(int(word) if word.isdecimal() else word for word in sys.argv[2:]))))
