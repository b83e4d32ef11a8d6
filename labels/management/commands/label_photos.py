from django.utils import timezone

from labels import tasks
from labels.labelling import attempts, costs
from labels.models import Label, Photo, PhotoLabel
from labels.workers import queue
from photomgr.json_command import JsonCommand, find_owner


class Command(JsonCommand):
    help = "Label photos, or label them again: by the workers, or at once in this process."

    def add_arguments(self, parser):
        parser.add_argument("--owner", help="Only this account's photos.")
        parser.add_argument("--status", choices=("pending", "failed", "all"), default="pending")
        parser.add_argument("--label", help="Only photos that have this label.")
        parser.add_argument("--now", action="store_true", help="In this process, without the queue.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Only say how many calls that makes and what they cost."
        )

    def run(self, owner, status, label, now, dry_run, **options):
        if dry_run:
            return costs.estimate(_chosen(owner, status, label)), False
        ids = attempts.label_again(_chosen(owner, status, label))
        if not now:
            for pk in ids:
                queue.enqueue_after_commit("label_next_photo", pk)
            return {"queued": len(ids), "failed": 0}, False
        for pk in self.progress(ids, len(ids), "photos"):
            tasks.label_photo(pk)
        labelled, waiting = (_count(ids, state) for state in (Photo.Status.LABELLED, Photo.Status.PENDING))
        document = {"labelled": labelled, "failed": len(ids) - labelled - waiting}
        # Nothing is wrong with those: the detector is away, no Region is free, or the budget is spent.
        return {**document, **({"waiting": waiting} if waiting else {})}, labelled < len(ids)


def _chosen(owner, status, label):
    photos = Photo.objects.all()
    if owner:
        photos = photos.filter(owner=find_owner(owner))
    if label:
        named = Label.objects.named([label])
        photos = photos.filter(pk__in=PhotoLabel.objects.visible().filter(label__in=named).values("photo_id"))
    if status == "failed":
        return photos.filter(status=Photo.Status.FAILED)
    if status == "pending":
        # With those whose worker died.
        photos = photos.filter(status__in=(Photo.WAITING, Photo.WORKING))
    return photos.not_held(timezone.now())


def _count(ids, status):
    # In slices: SQLite allows 250,000 parameters in a query, PostgreSQL 65,535.
    slices = (ids[start : start + 10_000] for start in range(0, len(ids), 10_000))
    return sum(Photo.objects.filter(pk__in=part, status=status).count() for part in slices)
