"""Accounts with photos, labels and tiny files that are made up in bulk, to see how large libraries behave."""

import hashlib
import os
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import chain
from random import Random
from types import SimpleNamespace

from django.db import connection, transaction
from django.utils import timezone

from labels.archives.format import crc32_join
from labels.labelling import counts
from labels.models import Label, Photo, PhotoLabel, PhotoSummary
from labels.models.photo import originals, renditions
from labels.selection import summaries
from labels.selection.facts import facts
from labels.text.names import fold

CHUNK = 10_000
_LABELS_A_PHOTO = 10
_FIRST = datetime(2010, 1, 1, tzinfo=UTC)
_CLAIMED_BYTES = (1_000_000, 6_000_000)
_EXIF = {"Make": "NIKON CORPORATION", "Model": "NIKON D750", "FNumber": 5.6, "ISO": 400, "Flash": 16}


def make_chunk(owner, numbers, labels, files=True, size=0):
    """Give the account photos with these numbers (a range), each with ten labels on average; return how many.

    The label of rank k is on a share of them that falls with 1 / k (Zipf), as in people's libraries. Files
    are of `size` bytes, most of them a hole that takes no room on the disk; 0: as small as a JPEG can be.
    Without files the photos claim to have 1 to 6 MB.
    """
    random = Random(f"{owner.pk} {numbers.start}")  # noqa: S311 (made up, the same each time)
    shown = _choose(len(numbers), _labels(labels), random)
    make_files = _Files(owner, size) if files else None
    photos = [_photo(owner, number, random, make_files) for number in numbers]
    with transaction.atomic():
        _write(owner, _new_ids(len(photos)), photos, shown)
    return len(photos)


def popularity(labels):
    """Return the share of the photos that show each label: 1 / rank, at most 60 %, ten labels a photo."""
    wanted = min(_LABELS_A_PHOTO, 0.5 * labels)
    low, high = 0.0, float(labels)
    while high - low > 1e-9:
        scale = (low + high) / 2
        total = sum(min(0.6, scale / rank) for rank in range(1, labels + 1))
        low, high = (scale, high) if total < wanted else (low, scale)
    return [min(0.6, low / rank) for rank in range(1, labels + 1)]


def label_name(rank):
    return f"Label {rank:04}"


def _labels(number):
    """Return [(id, name)] of the labels, the most frequent first; make those that are missing."""
    names = [label_name(rank) for rank in range(number)]
    Label.objects.bulk_create([Label(name=name, key=fold(name)) for name in names], ignore_conflicts=True)
    return list(Label.objects.named(names).order_by("key").values_list("pk", "name"))


def _choose(photos, labels, random):
    """Return the labels of each photo as [(label id, name, confidence)]."""
    shown = [[] for _ in range(photos)]
    for (pk, name), share in zip(labels, popularity(len(labels)), strict=True):
        for place in random.sample(range(photos), round(share * photos)):
            shown[place].append((pk, name, 60 + 40 * random.random()))
    return shown


class _Files:
    """Writes one small JPEG a photo, each another one."""

    def __init__(self, owner, size):
        # Imports the decoder, which no other command needs.
        from PIL import Image

        picture = BytesIO()
        Image.new("RGB", (16, 12), (90, 120, 160)).save(picture, "JPEG")
        self._picture, self._owner = picture.getvalue(), owner.pk
        self._size = max(size, 0)

    def __call__(self, number, key):
        """Write original and rendition; return (size, SHA-256, CRC-32) of the original."""
        comment = f"photo {number} of account {self._owner}".encode()
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment
        content = self._picture[:2] + segment + self._picture[2:]
        hole = max(self._size - len(content), 0)
        _write_file(renditions().path(key), content)
        _write_file(originals().path(key), content, hole)
        digest, zeros = hashlib.sha256(content), bytes(hole)
        digest.update(zeros)
        crc32 = crc32_join(zlib.crc32(content), zlib.crc32(zeros), hole)
        return len(content) + hole, digest.hexdigest(), crc32


def _write_file(path, content, hole=0):
    # Not by the storage's save(), which takes five times as long for files this small.
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(file, content)
    if hole:
        os.truncate(file, len(content) + hole)
    os.close(file)


def _photo(owner, number, random, make_files):
    """Return the columns by which a photo differs from the others."""
    key = f"{number % 256:02x}/{owner.pk:016x}{number:016x}.jpg"
    if make_files:
        size, sha256, crc32 = make_files(number, key)
    else:
        size, sha256 = random.randrange(*_CLAIMED_BYTES), hashlib.sha256(key.encode()).hexdigest()
        crc32 = random.getrandbits(32)
    # As cameras count: from 1 to 9999, and then from 1 again.
    name = f"DSC_{number % 9999 + 1:04}.JPG"
    taken = _FIRST + timedelta(minutes=10 * number, seconds=random.randrange(600))
    return SimpleNamespace(
        original=key, original_name=name, size=size, sha256=sha256, crc32=crc32, taken_at=taken
    )


def _template(owner):
    """Return {column: value} of what all photos have in common."""
    now = timezone.now()
    photo = Photo(
        owner=owner,
        format="JPEG",
        width=6016,
        height=4016,
        uploaded_at=now,
        exif=_EXIF,
        thumbnail_width=16,
        thumbnail_height=12,
        status=Photo.Status.LABELLED,
        labelled_at=now,
    )
    fields = [field for field in Photo._meta.concrete_fields if not field.generated]
    return {
        field.column: field.get_db_prep_save(getattr(photo, field.attname), connection) for field in fields
    }


def _write(owner, ids, photos, shown):
    """Write photos, label rows, summaries and counts, as intake and labelling/record.py do for a few."""
    template, moment = _template(owner), connection.ops.adapt_datetimefield_value
    version = summaries.next_versions([owner.pk])[owner.pk]
    each = list(zip(ids, photos, shown, strict=True))
    _insert(
        Photo,
        (
            template
            | vars(photo)
            | {"id": pk, "taken_at": moment(photo.taken_at), "label_count": len(labels)}
            | dict.fromkeys(("thumbnail", "rendition"), photo.original)
            for pk, photo, labels in each
        ),
    )
    same = {"source": "auto", "status": "active", "why": "", "created_at": moment(timezone.now())}
    _insert(
        PhotoLabel,
        (
            {"photo_id": pk, "label_id": label, "confidence": confidence, **same}
            for pk, _, labels in each
            for label, _, confidence in labels
        ),
    )
    mine = {"owner_id": owner.pk, "version": version}
    _insert(PhotoSummary, ({"photo_id": pk, **mine, **facts(photo, labels)} for pk, photo, labels in each))
    counts.add(Counter((owner.pk, label) for labels in shown for label, _, _ in labels))


def _new_ids(number):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sequence = "nextval(pg_get_serial_sequence(%s, 'id'))"
            cursor.execute(
                f"SELECT {sequence} FROM generate_series(1, %s)",  # noqa: S608 (constants)
                [Photo._meta.db_table, number],
            )
            return [pk for (pk,) in cursor.fetchall()]
        # The transaction has the lock of the one who writes.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [Photo._meta.db_table])
        last = cursor.fetchone()
        first = last[0] + 1 if last else 1
        return list(range(first, first + number))


def _insert(model, rows):
    """Insert rows {column: value} of the same columns; bulk_create takes five times as long."""
    rows = iter(rows)
    first = next(rows)
    table, names = model._meta.db_table, ", ".join(first)
    values = (tuple(row.values()) for row in chain([first], rows))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(first))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", values)  # noqa: S608 (constants)
