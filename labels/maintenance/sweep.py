"""Once a minute: ring again for what waits, end what can't be done, remove what is past its time."""

from dataclasses import asdict, dataclass

from django.utils import timezone

from labels.bundles import lifecycle
from labels.detectors.rekognition.regions import spending
from labels.detectors.rekognition.regions.quotas import follow_settings
from labels.detectors.rekognition.regions.report import calls_a_minute
from labels.intake import direct_uploads
from labels.labelling import decisions, record, replay
from labels.models import (
    Announcement,
    Bundle,
    BundlePart,
    Change,
    DirectUpload,
    Notice,
    Photo,
    RuleRun,
    TextMessage,
)
from labels.notices import phones
from labels.workers import heartbeats, queue

# A bell that is still in the queue may be rung twice; this bounds how often, and it costs a millisecond.
QUEUE_TARGET = 500

_RECALLED = (Photo, Bundle, Notice, Announcement, TextMessage, DirectUpload)
_STOPPED = "The worker stopped in the middle of it."


@dataclass
class Swept:
    """How many of each were found."""

    photos_rung: int = 0
    bundles_rung: int = 0
    notices_rung: int = 0
    sums_rung: int = 0
    incoming_rung: int = 0
    incoming_given_up: int = 0
    incoming_cleared: int = 0
    photos_given_up: int = 0
    photos_afforded: int = 0
    bundles_given_up: int = 0
    notices_given_up: int = 0
    notices_interrupted: int = 0
    announcements_rung: int = 0
    announcements_given_up: int = 0
    announcements_interrupted: int = 0
    texts_rung: int = 0
    texts_given_up: int = 0
    texts_interrupted: int = 0
    phone_codes_cleared: int = 0
    bundles_expired: int = 0
    replays_rung: int = 0
    changes_rung: int = 0
    changes_given_up: int = 0
    replays_given_up: int = 0
    recalled_from_future: int = 0
    workers_forgotten: int = 0

    def as_json(self):
        return asdict(self)


def sweep():
    """Carry out one sweep and return what was found; safe to run at any time, twice, or side by side."""
    # Photos a worker labelled by rules that were replaced meanwhile.
    replay.start()
    now = timezone.now()
    follow_settings()
    return Swept(
        recalled_from_future=sum(model.objects.recall(now) for model in _RECALLED),
        workers_forgotten=heartbeats.forget_old(now),
        photos_given_up=record.give_up(Photo.objects.worn_out(now)),
        bundles_given_up=lifecycle.give_up(Bundle.objects.worn_out(now)),
        notices_given_up=Notice.objects.worn_out(now).give_up(),
        notices_interrupted=Notice.objects.end_interrupted(now),
        announcements_given_up=Announcement.objects.worn_out(now).give_up(),
        announcements_interrupted=Announcement.objects.end_interrupted(now),
        texts_given_up=TextMessage.objects.worn_out(now).give_up(),
        texts_interrupted=TextMessage.objects.end_interrupted(now),
        phone_codes_cleared=phones.clear(now),
        bundles_expired=lifecycle.expire(now),
        incoming_given_up=direct_uploads.give_up(DirectUpload.objects.worn_out(now)),
        incoming_cleared=direct_uploads.clear(now),
        incoming_rung=_ring(DirectUpload.objects.due(now), queue.take_incoming, queue.LABELS),
        replays_given_up=replay.fail(RuleRun.objects.worn_out(now), _STOPPED),
        changes_given_up=decisions.fail(Change.objects.worn_out(now), _STOPPED),
        changes_rung=_ring(Change.objects.due(now), queue.carry_out, queue.LABELS),
        replays_rung=_ring(RuleRun.objects.due(now), queue.replay_rules, queue.LABELS),
        photos_afforded=record.try_now(now, spending.CODES, spending.affordable()),
        photos_rung=_ring(Photo.objects.due(now), queue.label_photo, queue.LABELS, calls_a_minute()),
        notices_rung=_ring(Notice.objects.due(now), queue.send_notice, queue.LABELS),
        announcements_rung=_ring(Announcement.objects.due(now), queue.tell_topic, queue.LABELS),
        texts_rung=_ring(TextMessage.objects.due(now), queue.send_text, queue.LABELS),
        bundles_rung=_ring(Bundle.objects.due(now), queue.build_bundle, queue.BUNDLES),
        sums_rung=_ring(BundlePart.objects.unsummed(now).order_by("pk"), queue.add_sum, queue.BUNDLES),
    ).as_json()


def _ring(rows, bell, cluster, a_minute=0):
    waiting = queue.waiting(cluster)
    if waiting is None:
        return 0
    # Of photos that waited for Rekognition there may be more than the target until the next sweep.
    room = max(0, max(QUEUE_TARGET, a_minute) - waiting)
    ids = list(rows.values_list("pk", flat=True)[:room])
    for pk in ids:
        bell(pk)
    return len(ids)
