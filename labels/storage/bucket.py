"""A bucket, or a folder of one, as a Django storage. Importing it imports boto3: see `is_bucket`."""

import errno
import tempfile
import uuid
from contextlib import contextmanager, suppress

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage, TransferConfig
from urllib3.exceptions import HTTPError

from labels.storage.errors import DENIED, MISSING, ObjectUnreadable, StorageTrouble
from photomgr import aws

# What is asked for at a time, and made anew when the connection breaks.
BLOCK = 4 * 1024 * 1024
_TRIES = 3
_IN_MEMORY = 8 * 1024 * 1024
_BROKEN = (BotoCoreError, HTTPError, OSError)
# Of one PutObject: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_LARGEST_PUT = 5 * 1024**3


class BucketStorage(S3Storage):
    """django-storages' S3Storage, with one client a process (`photomgr.aws`) and our errors.

    Options of S3Storage about the connection (credentials, `endpoint_url`, `region_name` …) are not read:
    boto3's own environment variables say that. Keys are written once and never overwritten.
    """

    # Replaces uploads in parts, by ten threads, of what is larger than 8 MiB: parts of a killed one stay.
    transfer_config = TransferConfig(multipart_threshold=_LARGEST_PUT, use_threads=False)

    @property
    def connection(self):
        """Replaces a client for each thread, kept over a fork and without our retries and time limits."""
        return aws.s3_resource()

    @property
    def bucket(self):
        """Replaces a Bucket that keeps its first connection for ever, over a fork, too."""
        return self.connection.Bucket(self.bucket_name)

    @property
    def client(self):
        return aws.client("s3")

    @property
    def prefix(self):
        return f"{self.location.rstrip('/')}/" if self.location else ""

    def key(self, name):
        """Return the key in the whole bucket, for a name within our location, exactly as it is."""
        return self.prefix + name

    def exists(self, name):
        """Replaces errors of botocore by ours."""
        with talking():
            return super().exists(name)

    def size(self, name):
        """Replaces errors of botocore by ours, and a FileNotFoundError that has no errno."""
        return self._head(name)["ContentLength"]

    def get_modified_time(self, name):
        """Replaces errors of botocore by ours."""
        return self._head(name)["LastModified"]

    def delete(self, name):
        """Replaces errors of botocore by ours, and silence where the whole bucket is missing."""
        with talking():
            self.client.delete_object(Bucket=self.bucket_name, Key=self.key(name))

    def listdir(self, path):
        """Replaces ListObjects, which S3 keeps for old programs only, and errors of botocore by ours."""
        inside, folders, files = self.key(f"{path}/" if path else ""), [], []
        pages = self.client.get_paginator("list_objects_v2")
        with talking():
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=inside, Delimiter="/"):
                folders += [row["Prefix"][len(inside) : -1] for row in page.get("CommonPrefixes", ())]
                files += [row["Key"][len(inside) :] for row in page.get("Contents", ())]
        return folders, files

    def walk(self, after="", within=""):
        """Yield (name, size, modified) of the objects `within` a prefix, by name, those beyond `after`."""
        for row in objects(self.bucket_name, self.key(within), self.key(after) if after else ""):
            yield row["Key"].removeprefix(self.prefix), row["Size"], row["LastModified"]

    def fetch(self, name, start=0, end=None):
        """Return bytes start..end of an object and the size of the whole; fewer bytes when it is shorter.

        A connection that breaks in the middle is made anew.
        """
        wanted = {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        for left in reversed(range(_TRIES)):
            try:
                with talking(name, self._is_wholly_denied):
                    answer = self._get(name, wanted)
            except _OutOfRange as beyond:
                return b"", beyond.size
            try:
                with answer["Body"] as body:
                    content = body.read()
            except _BROKEN as error:
                if not left:
                    raise StorageTrouble(type(error).__name__) from error
            else:
                return content, _whole_size(answer, len(content))

    def read(self, name, start=0, end=None):
        """Yield the bytes start..end of an object, block by block; stop where it ends."""
        while end is None or start < end:
            stop = start + BLOCK if end is None else min(start + BLOCK, end)
            content, whole = self.fetch(name, start, stop)
            if content:
                yield content
            start += len(content)
            if start >= whole or not content:
                return

    def signed_url(self, name, *, seconds, method="GET", save_as="", content_type, cache="private, no-cache"):
        """Return a link to one object for a browser: it needs no account, and ends after `seconds`."""
        answer = {"ResponseContentType": content_type, "ResponseCacheControl": cache}
        if save_as:
            answer["ResponseContentDisposition"] = content_disposition_header(True, save_as)
        call = "get_object" if method == "GET" else "head_object"
        with talking():
            return self.client.generate_presigned_url(
                call, Params={"Bucket": self.bucket_name, "Key": self.key(name), **answer}, ExpiresIn=seconds
            )

    def signed_post(self, name, size, seconds):
        """Return {"url", "fields"} of a form by which a browser may store exactly `size` bytes as `name`."""
        kind = {"Content-Type": "application/octet-stream"}
        with talking():
            return self.client.generate_presigned_post(
                self.bucket_name,
                self.key(name),
                Fields=kind,
                Conditions=[kind, ["content-length-range", size, size]],
                ExpiresIn=seconds,
            )

    def _open(self, name, mode="rb"):
        """Replaces a HEAD before each GET, of a key that is "normalised", whose errors say only a status."""
        # A picture is read here and there: a copy is fetched once, and on disk when it is large.
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115
        try:
            for block in self.read(name):
                file.write(block)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return File(file, name)

    def _save(self, name, content):
        """Replaces errors of botocore by ours."""
        with talking():
            try:
                return super()._save(name, content)
            except HTTPClientError as error:
                # What the file itself raises while it is sent, botocore wraps.
                cause = error.kwargs.get("error")
                if isinstance(cause, Exception) and not isinstance(cause, HTTPError):
                    raise cause from None
                raise

    def _get(self, name, wanted):
        try:
            return self.client.get_object(Bucket=self.bucket_name, Key=self.key(name), **wanted)
        except ClientError as error:
            if error.response["Error"].get("Code") in ("InvalidRange", "416"):
                raise _OutOfRange(self.size(name)) from None
            raise

    def _head(self, name):
        with talking(name):
            return self.client.head_object(Bucket=self.bucket_name, Key=self.key(name))

    def _is_wholly_denied(self):
        """Return whether we may not even read what we have just written."""
        probe = f"access-{uuid.uuid4().hex}"
        try:
            with talking():
                self.save(probe, ContentFile(b"ok"))
                self.client.get_object(Bucket=self.bucket_name, Key=self.key(probe))["Body"].read()
        except StorageTrouble:
            return True
        finally:
            with suppress(StorageTrouble):
                self.delete(probe)
        return False


@contextmanager
def talking(key=None, denied_is_trouble=lambda: True):
    """Turn botocore's errors into ours while talking about `key`.

    S3 says "access denied" for one object as for everything: `denied_is_trouble` finds out which.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if key is not None and code in MISSING:
            raise FileNotFoundError(errno.ENOENT, "no longer in storage", key) from error
        if key is not None and code == "InvalidObjectState":
            raise ObjectUnreadable("it lies in an archive and has to be restored first", key) from error
        if key is not None and code in DENIED and not denied_is_trouble():
            raise ObjectUnreadable("access to it is denied", key) from error
        raise StorageTrouble(code) from error
    except BotoCoreError as error:
        raise StorageTrouble(type(error).__name__) from error


def objects(bucket, prefix="", after=""):
    """Yield S3's row of each object whose key begins with `prefix`, in the order of keys, page by page."""
    pages = aws.client("s3").get_paginator("list_objects_v2")
    options = {"StartAfter": after} if after else {}
    with talking():
        for page in pages.paginate(Bucket=bucket, Prefix=prefix, **options):
            yield from page.get("Contents", ())


class _OutOfRange(Exception):
    def __init__(self, size):
        self.size = size


def _whole_size(answer, length):
    return int(answer["ContentRange"].rpartition("/")[2]) if "ContentRange" in answer else length
