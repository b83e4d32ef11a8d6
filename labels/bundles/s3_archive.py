"""Where archives lie: in a bucket, each a multipart upload until it is whole.

A chunk is a part of the upload. Parts cannot be copied out of an upload that is not complete, so that an
archive that is planned anew stays in it: the tags of the parts tell one that a worker sent who missed that.
"""

import math
import uuid

from django.conf import settings

from labels.models.bundle import bundle_files
from labels.storage import multipart

# Chunks in the making at a time in one process; each is in memory while it is sent.
AT_ONCE = 3
# Parts of an upload that was given up are paid for and seen by nobody.
KEPT_FOR_RETRY = False


def chunk_bytes(size):
    return multipart.part_bytes(size, settings.BUNDLE_CHUNK_BYTES)


def replace(key, bundle_id, size, kept):
    if not kept:
        key = f"{bundle_id}/{uuid.uuid4().hex}.zip"
        multipart.create(bundle_files(), key)
    return key


def write(key, chunk, content):
    buffer = bytearray()
    for piece in content:
        buffer += piece
    return multipart.upload_part(bundle_files(), key, chunk.number + 1, buffer)


def is_there(key):
    return bundle_files().exists(key) or any(multipart.list_uploads(bundle_files(), key))


def lost(key, tags):
    try:
        there = multipart.list_parts(bundle_files(), key)
    except FileNotFoundError:
        if bundle_files().exists(key):
            return []
        raise
    return [number for number, tag in enumerate(tags) if there.get(number + 1) != tag]


def finish(key, tags):
    """Make the archive whole; another worker may have done so."""
    try:
        multipart.complete(bundle_files(), key, tags)
    except FileNotFoundError:
        if not bundle_files().exists(key):
            raise


def free_bytes():
    return math.inf


def remove(key):
    multipart.abort(bundle_files(), key)
    bundle_files().delete(key)


def keep_only(bundle_id, keys):
    prefix = f"{bundle_id}/"
    uploads = [name for name, _, _ in multipart.list_uploads(bundle_files(), prefix)]
    objects = [name for name, _, _ in bundle_files().walk(within=prefix)]
    for key in {*uploads, *objects} - set(keys):
        remove(key)


def clear(bundle_id):
    keep_only(bundle_id, ())


def pieces(key):
    return bundle_files().iter_chunks(key)


def address(key):
    return f"s3://{bundle_files().bucket_name}/{bundle_files().key(key)}"
