"""What a worker runs: load by id, claim, call the steps in order. Any task may be delivered twice."""

import os
import uuid

from labels import (
    bundles,
    decisions,
    detection,
    incoming,
    labelling,
    notifications,
    policies,
    replay,
    texts,
    topic,
    workers,
)
from labels.buckets import StorageTrouble
from labels.detectors.base import DetectorUnavailable, NotNow, PhotoRefused
from labels.models import Announcement, Bundle, Change, Incoming, Notice, Photo, Replay, TextMessage
from labels.models.claim import in_words

# How long a photo waits for a storage that is away.
_STORAGE_SECONDS = 60


def label_photo(photo_id):
    """Find the labels of one photo; return quietly when it is gone, done, or held by another worker."""
    photo = Photo.objects.claim(photo_id, holder())
    if photo is None:
        return
    try:
        run = detection.run_for(photo)
        rules = policies.in_force()
        labelling.record(photo, run, rules.decide(photo, run), rules)
    except PhotoRefused as refusal:
        labelling.fail(photo, refusal.code, refusal.reason)
    except NotNow as turn:
        labelling.wait(photo, turn.code, turn.reason, turn.seconds)
    except DetectorUnavailable as trouble:
        labelling.postpone(photo, trouble.code, trouble.reason)
    except StorageTrouble as trouble:
        labelling.wait(photo, "storage", in_words(trouble), _STORAGE_SECONDS)
    except Exception as error:
        # A full disk or a fault of ours: the photo waits where people see it, the queue keeps the trace.
        labelling.postpone(photo, "unexpected", in_words(error))
        raise


def take_incoming(incoming_id):
    """Check a file that a browser sent to the bucket, and make a photo of it."""
    row = Incoming.objects.claim(incoming_id, holder())
    if row is None:
        return
    try:
        incoming.take_in(row)
    except StorageTrouble as trouble:
        incoming.postpone(row, in_words(trouble), counts=False)
    except Exception as error:
        incoming.postpone(row, in_words(error))
        raise


def build_bundle(bundle_id):
    """Build the archives of one bundle."""
    bundle = Bundle.objects.claim(bundle_id, holder())
    if bundle is not None:
        bundles.build(bundle)


def help_build(bundle_id):
    """Make chunks of a bundle that another worker builds; there may be none left."""
    bundles.help_build(bundle_id, holder())


def add_sum(part_id):
    """Work out the SHA-256 of a finished archive."""
    bundles.add_sum(part_id)


def send_notice(notice_id):
    """Send the mail of one notice."""
    notice = Notice.objects.claim(notice_id, holder())
    if notice is not None:
        notifications.send(notice)


def tell_topic(announcement_id):
    """Tell the SNS topic of one outcome."""
    announcement = Announcement.objects.claim(announcement_id, holder())
    if announcement is not None:
        topic.publish(announcement)


def send_text(message_id):
    """Text one outcome to the owner's phone."""
    message = TextMessage.objects.claim(message_id, holder())
    if message is not None:
        texts.send(message)


def replay_rules(replay_id):
    """Apply rules to stored answers for a while; return quietly when another worker does."""
    row = Replay.objects.claim(replay_id, holder())
    if row is not None:
        replay.carry_on(row)


def carry_out(change_id):
    """Carry out what a person decided about many photos."""
    change = Change.objects.claim(change_id, holder())
    if change is not None:
        decisions.carry_on(change)


def holder():
    """Return a name for this claim: readable in the admin, and never used twice."""
    return f"{workers.host()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
