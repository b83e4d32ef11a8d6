"""Multipart uploads: objects that many workers write in numbered parts, visible only when complete."""

import errno
import math
from contextlib import suppress
from functools import lru_cache

from labels.storage.bucket import translated_errors
from labels.storage.errors import TOO_MANY_PARTS, PartsChanged, StorageUnavailable

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PARTS = 10_000
MIN_PART_BYTES = 5 * 1024**2


def part_bytes(size, wanted):
    """Return the part size for an object of `size` bytes: `wanted`, or what S3's limits require."""
    if wanted * MAX_PARTS < size:
        wanted = math.ceil(size / MAX_PARTS / 1024**2) * 1024**2
    return max(wanted, MIN_PART_BYTES)


def create(storage, name):
    """Start an upload under a name that was never used."""
    with translated_errors():
        storage.client.create_multipart_upload(**_target(storage, name), **storage.object_parameters)


def upload_part(storage, name, number, content):
    """Upload part `number` (from 1) and return its ETag; raise FileNotFoundError when the upload is over."""
    upload = _upload(storage, name)
    try:
        with translated_errors(name):
            return storage.client.upload_part(**upload, PartNumber=number, Body=content)["ETag"]
    except StorageUnavailable as error:
        if error.code == "InvalidArgument":
            # Other servers have lower limits: Swift's is 1,000 unless configured.
            raise StorageUnavailable(TOO_MANY_PARTS) from error
        raise


def list_parts(storage, name):
    """Return {number: ETag} of the uploaded parts; raise FileNotFoundError when there is no upload."""
    pages = storage.client.get_paginator("list_parts").paginate(**_upload(storage, name))
    with translated_errors(name):
        return {part["PartNumber"]: part["ETag"] for page in pages for part in page.get("Parts", ())}


def complete(storage, name, tags):
    """Make the object of parts 1, 2, 3 … with these ETags; S3 discards other parts.

    Raise FileNotFoundError when there is no upload, PartsChanged when its parts have other ETags.
    """
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)]
    try:
        with translated_errors(name):
            storage.client.complete_multipart_upload(
                **_upload(storage, name), MultipartUpload={"Parts": parts}
            )
    except OSError as error:
        if getattr(error, "code", "") in ("InvalidPart", "InvalidPartOrder", "EntityTooSmall"):
            raise PartsChanged(errno.EIO, "a part of the upload is not the one we sent", name) from error
        raise


def abort(storage, name):
    """Abort an upload and free its parts, if there is one."""
    for _, upload_id, _ in list_uploads(storage, name):
        with suppress(FileNotFoundError), translated_errors(name):
            storage.client.abort_multipart_upload(**_target(storage, name), UploadId=upload_id)


def list_uploads(storage, prefix=""):
    """Yield (name, upload id, started at) of the unfinished uploads whose name begins with `prefix`."""
    pages = storage.client.get_paginator("list_multipart_uploads")
    with translated_errors():
        for page in pages.paginate(Bucket=storage.bucket_name, Prefix=storage.key(prefix)):
            for row in page.get("Uploads", ()):
                yield row["Key"].removeprefix(storage.prefix), row["UploadId"], row["Initiated"]


def _target(storage, name):
    return {"Bucket": storage.bucket_name, "Key": storage.key(name)}


@lru_cache(256)
def _upload(storage, name):
    # Looked up, not stored in a row: a worker may die after it created the upload and before it saved the id.
    for found, upload_id, _ in list_uploads(storage, name):
        if found == name:
            return {**_target(storage, name), "UploadId": upload_id}
    raise FileNotFoundError(errno.ENOENT, "no such upload", name)
