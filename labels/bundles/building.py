"""Carry a bundle out: copy the photos into archives by the plan, then publish all of them at once."""

import errno
import time
import uuid
import zlib
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.text import slugify

from labels.bundles import archive_file, manifest
from labels.bundles.ending import fail, postpone
from labels.bundles.planning import MANIFEST, manifest_line
from labels.models import Bundle, BundlePart, Notice
from labels.models.photo import originals
from labels.selection import Selection
from labels.zipplan import Entry, EntryChanged, ZipPlan, split

_CHUNK = 1024 * 1024
_PROGRESS_SECONDS = 0.5
_LESS_OR_ROOM = "Choose fewer photos, or ask your administrator to make room."


class NotHeld(Exception):
    """The bundle was cancelled, or another worker holds it: stop and leave nothing behind."""


class NoSpace(Exception):
    """The archives would not fit on the disk."""


def build(bundle):
    """Build the held bundle to its end: ready, partial or failed. Unexpected errors wait for another try."""
    try:
        _Build(bundle).run()
    except NotHeld:
        return
    except NoSpace as error:
        fail(bundle, str(error))
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            fail(bundle, f"The server's disk ran full. {_LESS_OR_ROOM}")
        # A bundle that was cancelled lost its files under our hands: no fault, and nobody's turn.
        elif postpone(bundle, f"{type(error).__name__}: {error}"):
            raise


class _Build:
    """One attempt at one bundle: what is copied so far, and what was found missing."""

    def __init__(self, bundle):
        self.bundle = bundle
        self.bytes_before = 0  # of the parts that are finished
        self.photos_done = 0
        self.reported_at = 0.0

    def run(self):
        held = Bundle.objects.held(self.bundle)
        if not held.update(started_at=timezone.now(), photos_done=0, bytes_done=0):
            raise NotHeld
        archive_file.clear(self.bundle.pk)
        self.bundle.photos.exclude(missing_reason="").update(missing_reason="")
        photos = list(self.bundle.photos.order_by("position"))
        _check_space(self.bundle)
        parts = list(split(map(_entry, photos), self.bundle.part_bytes, [_trailer(photos)]))
        finished = []
        try:
            for number, part in enumerate(parts, start=1):
                finished.append(self._part(number, len(parts), photos[part.start : part.stop]))
            self._finish(finished, photos)
        except BaseException:
            _remove(finished)
            raise

    def _part(self, number, count, photos):
        """Return the unsaved BundlePart of these photos, its archive written and published."""
        file = archive_file.ArchiveFile(f"{self.bundle.pk}/{uuid.uuid4().hex}.zip")
        try:
            plan = self._copy(file, photos)
            size, sha256 = file.publish()
        except BaseException:
            file.discard()
            raise
        self.bytes_before += plan.size
        name = _file_name(self.bundle, number, count)
        return BundlePart(
            bundle=self.bundle, number=number, file=file.key, file_name=name, size=size, sha256=sha256
        )

    def _copy(self, file, photos):
        """Write the archive; a photo that is missing or changed is left out and the rest planned anew.

        Bytes before the entry that fell out do not depend on it, so copying goes on from there.
        """
        offset = 0
        while True:
            present = [photo for photo in photos if not photo.missing_reason]
            content = _manifest(photos)
            plan = ZipPlan([*map(_entry, present), self._manifest_entry(content)])
            try:
                for chunk in plan.read(offset, plan.size, _opener(present, content), self._count):
                    file.write(chunk)
                    offset += len(chunk)
                    self._report(offset)
                return plan
            except EntryChanged as changed:
                photo = present[changed.index]
                photo.missing_reason = changed.reason
                photo.save(update_fields=["missing_reason"])
                offset = plan.header_offset(changed.index)
                file.rewind(offset)

    def _manifest_entry(self, content):
        # Dated when it was asked for and not now: the same snapshot gives the same bytes.
        asked = self.bundle.created_at.replace(tzinfo=None)
        return Entry(manifest.NAME, len(content), zlib.crc32(content), asked)

    def _count(self, piece):
        self.photos_done += 1

    def _report(self, offset):
        """Show progress and renew the lease, twice a second at most; raise NotHeld when it is lost."""
        if time.monotonic() - self.reported_at < _PROGRESS_SECONDS:
            return
        self.reported_at = time.monotonic()
        held = Bundle.objects.held(self.bundle).update(
            bytes_done=self.bytes_before + offset,
            photos_done=min(self.photos_done, self.bundle.photo_count),
        )
        if not held or not self.bundle.renew_lease():
            raise NotHeld

    def _finish(self, parts, photos):
        """Publish all parts, the outcome and the notice in one transaction, or raise NotHeld."""
        missing = sum(bool(photo.missing_reason) for photo in photos)
        if missing == len(photos):
            _remove(parts)
            fail(self.bundle, "None of the photos could be read from storage.")
            return
        now = timezone.now()
        status = Bundle.Status.PARTIAL if missing else Bundle.Status.READY
        with transaction.atomic():
            held = Bundle.objects.held(self.bundle).update(
                status=status,
                photos_done=len(photos) - missing,
                bytes_done=sum(part.size for part in parts),
                finished_at=now,
                expires_at=now + timedelta(hours=settings.BUNDLE_KEEP_HOURS),
                lease_owner="",
                lease_until=None,
            )
            if not held:
                raise NotHeld
            BundlePart.objects.bulk_create(parts)
            Notice.objects.get_or_create(bundle=self.bundle, outcome=status)


def _opener(present, content):
    """Return what ZipPlan.read asks for an entry's bytes; the manifest follows the photos."""

    def open_entry(index, start, end):
        if index == len(present):
            yield content[start:end]
        else:
            yield from _read(index, present[index], start, end)

    return open_entry


def _read(index, photo, start, end):
    """Yield bytes start..end of a photo's original; raise EntryChanged when it is gone."""
    try:
        with originals().open(photo.storage_key, "rb") as file:
            file.seek(start)
            left = end - start
            while left and (chunk := file.read(min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk
            # One byte past the planned end tells a file that grew from one that is whole.
            if not left and end == photo.size and file.read(1):
                raise EntryChanged(index, photo.name, "the file in storage is larger than it was")
    except FileNotFoundError:
        raise EntryChanged(index, photo.name, "the file is no longer in storage") from None


def _entry(photo):
    return Entry(photo.name, photo.size, photo.crc32, photo.modified.replace(tzinfo=None))


def _trailer(photos):
    by_name = {photo.name: photo for photo in photos}
    return replace(MANIFEST, line_bytes=lambda entry: MANIFEST.line_bytes(by_name[entry.name]))


def _file_name(bundle, number, count):
    """Return what the browser saves it as: "photos-mountain-lake-2026-11-21.zip"."""
    words = slugify(" ".join(Selection.from_json(bundle.selection).included))[:60].strip("-")
    part = f"-part-{number}-of-{count}" if count > 1 else ""
    return f"photos-{words + '-' if words else ''}{bundle.created_at:%Y-%m-%d}{part}.zip"


def _manifest(photos):
    return manifest.heading() + b"".join(manifest_line(photo, photo.missing_reason) for photo in photos)


def _remove(parts):
    # Only our own: by now another worker may have archives of this bundle.
    for part in parts:
        archive_file.remove_archive(part.file.name)


def _check_space(bundle):
    free = archive_file.free_bytes()
    if bundle.planned_bytes > free:
        raise NoSpace(
            f"The archives need {filesizeformat(bundle.planned_bytes)} and the server has "
            f"{filesizeformat(free)} free. {_LESS_OR_ROOM}"
        )
