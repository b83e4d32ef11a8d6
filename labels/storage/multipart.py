"""An object written in numbered parts, by many workers, and visible only when it is complete."""

import errno
from functools import lru_cache

from botocore.exceptions import ClientError

from labels.storage.bucket import talking
from labels.storage.errors import TOO_MANY_PARTS, StorageTrouble
from photomgr import aws

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PARTS = 10_000
MIN_PART_BYTES = 5 * 1024**2
_MIB = 1024**2


def part_bytes(size, wanted):
    """Return the size of the parts of an object of `size` bytes: `wanted`, or what S3's limits ask for."""
    least = -(-size // MAX_PARTS)
    return max(wanted, MIN_PART_BYTES, -(-least // _MIB) * _MIB if least > wanted else 0)


def begin(storage, name):
    """Begin an upload under a name that was never used; nothing is visible yet."""
    with talking():
        aws.client("s3").create_multipart_upload(**_place(storage, name), **storage.object_parameters)


def put(storage, name, number, content):
    """Upload part `number` (from 1), in place of one that is there; return its tag.

    Raise FileNotFoundError when there is no such upload: it was completed or aborted.
    """
    place = {**_place(storage, name), "UploadId": _upload_id(storage, name)}
    try:
        with talking(name):
            return aws.client("s3").upload_part(**place, PartNumber=number, Body=content)["ETag"]
    except StorageTrouble as trouble:
        if trouble.code == "InvalidArgument":
            # Other makers have limits of their own: Swift's is 1,000, unless it is configured.
            raise StorageTrouble(TOO_MANY_PARTS) from trouble
        raise


def tags(storage, name):
    """Return {number: tag} of the parts that S3 has; raise FileNotFoundError when there is no upload."""
    pages = aws.client("s3").get_paginator("list_parts")
    with talking(name):
        return {
            part["PartNumber"]: part["ETag"]
            for page in pages.paginate(**_place(storage, name), UploadId=_upload_id(storage, name))
            for part in page.get("Parts", ())
        }


def complete(storage, name, tags):
    """Make the object of parts 1, 2, 3 … with these tags; other parts are thrown away.

    Raise FileNotFoundError when there is no upload, PartsChanged when its parts are not these.
    """
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)]
    try:
        with talking(name):
            aws.client("s3").complete_multipart_upload(
                **_place(storage, name),
                UploadId=_upload_id(storage, name),
                MultipartUpload={"Parts": parts},
            )
    except OSError as error:
        if getattr(error, "code", "") in ("InvalidPart", "InvalidPartOrder", "EntityTooSmall"):
            raise PartsChanged(errno.EIO, "a part of the upload is not the one we sent", name) from error
        raise


def abort(storage, name):
    """Give an upload up and free its parts; nothing happens when there is none."""
    for _, upload_id, _ in unfinished(storage, name):
        with talking():
            try:
                aws.client("s3").abort_multipart_upload(**_place(storage, name), UploadId=upload_id)
            except ClientError as error:
                if error.response["Error"].get("Code") != "NoSuchUpload":
                    raise


def unfinished(storage, prefix=""):
    """Yield (name, upload id, begun at) of the uploads whose name begins with `prefix`."""
    pages = aws.client("s3").get_paginator("list_multipart_uploads")
    with talking():
        for page in pages.paginate(Bucket=storage.bucket_name, Prefix=storage.key(prefix)):
            for row in page.get("Uploads", ()):
                yield row["Key"].removeprefix(storage.prefix), row["UploadId"], row["Initiated"]


class PartsChanged(OSError):
    """S3 has other parts than the tags say: some have to be sent again."""


def _place(storage, name):
    return {"Bucket": storage.bucket_name, "Key": storage.key(name)}


@lru_cache(256)
def _upload_id(storage, name):
    # Asked and not kept in a row: a worker that dies between beginning and writing it down loses nothing.
    for found, upload_id, _ in unfinished(storage, name):
        if found == name:
            return upload_id
    raise FileNotFoundError(errno.ENOENT, "no such upload", name)
