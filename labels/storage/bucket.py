"""A bucket, or a folder of one, as a Django storage."""

import tempfile
import uuid
from contextlib import suppress

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils.deconstruct import deconstructible
from django.utils.http import content_disposition_header
from urllib3.exceptions import HTTPError

from labels.storage.errors import StorageTrouble, talking
from photomgr import aws

# What is asked for at a time, and made anew when the connection breaks.
BLOCK = 4 * 1024 * 1024
_TRIES = 3
_IN_MEMORY = 8 * 1024 * 1024
_BROKEN = (BotoCoreError, HTTPError, OSError)


@deconstructible
class BucketStorage(Storage):
    """Objects under `prefix`; each is written once, under a key that nobody chose, and never again."""

    def __init__(self, bucket, prefix="", parameters=None):
        self.bucket = bucket
        self.prefix = prefix
        self.parameters = parameters or {}

    @property
    def client(self):
        return aws.client("s3")

    def key(self, name):
        """Return the key of the whole bucket, for a name within our prefix."""
        return self.prefix + name

    def get_available_name(self, name, max_length=None):
        # Names are random (labels.models.photo.random_key): nothing is asked, nothing is overwritten.
        return name

    def exists(self, name):
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name):
        return self._head(name)["ContentLength"]

    def get_modified_time(self, name):
        return self._head(name)["LastModified"]

    def delete(self, name):
        with talking():
            # One by one: other makers' S3 refuses the call for many.
            self.client.delete_object(Bucket=self.bucket, Key=self.key(name))

    def listdir(self, path):
        """Return (folders, files) that lie directly in a folder."""
        inside, folders, files = self.key(f"{path}/" if path else ""), [], []
        pages = self.client.get_paginator("list_objects_v2")
        with talking():
            for page in pages.paginate(Bucket=self.bucket, Prefix=inside, Delimiter="/"):
                folders += [row["Prefix"][len(inside) : -1] for row in page.get("CommonPrefixes", ())]
                files += [row["Key"][len(inside) :] for row in page.get("Contents", ())]
        return folders, files

    def walk(self, after="", within=""):
        """Yield (name, size, modified) of the objects `within` a prefix, by name, those beyond `after`."""
        for row in objects(self.bucket, self.key(within), self.key(after) if after else ""):
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
                call, Params={"Bucket": self.bucket, "Key": self.key(name), **answer}, ExpiresIn=seconds
            )

    def signed_post(self, name, size, seconds):
        """Return {"url", "fields"} of a form by which a browser may store exactly `size` bytes as `name`."""
        kind = {"Content-Type": "application/octet-stream"}
        with talking():
            return self.client.generate_presigned_post(
                self.bucket,
                self.key(name),
                Fields=kind,
                Conditions=[kind, ["content-length-range", size, size]],
                ExpiresIn=seconds,
            )

    def _open(self, name, mode="rb"):
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
        body = _Body(content)
        try:
            with talking():
                self.client.put_object(Bucket=self.bucket, Key=self.key(name), Body=body, **self.parameters)
        except OSError:
            # botocore wraps what its source of bytes raises.
            if body.error:
                raise body.error from None
            raise
        return name

    def _get(self, name, wanted):
        try:
            return self.client.get_object(Bucket=self.bucket, Key=self.key(name), **wanted)
        except ClientError as error:
            if error.response["Error"].get("Code") in ("InvalidRange", "416"):
                raise _OutOfRange(self.size(name)) from None
            raise

    def _head(self, name):
        with talking(name):
            return self.client.head_object(Bucket=self.bucket, Key=self.key(name))

    def _is_wholly_denied(self):
        """Return whether we may not even read what we have just written."""
        probe = f"access-{uuid.uuid4().hex}"
        try:
            with talking():
                self.client.put_object(Bucket=self.bucket, Key=self.key(probe), Body=b"ok", **self.parameters)
                self.client.get_object(Bucket=self.bucket, Key=self.key(probe))["Body"].read()
        except StorageTrouble:
            return True
        finally:
            with suppress(StorageTrouble):
                self.delete(probe)
        return False


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


class _Body:
    """What put_object reads: as long as the file, again from the start for its signature and each try.

    It reads `chunks()`, where intake checks that these are the bytes it judged.
    """

    def __init__(self, content):
        self._content = content
        self.error = None
        self.seek(0)

    def __len__(self):
        return self._content.size

    def tell(self):
        return self._place

    def seek(self, place, whence=0):
        if place or whence:
            raise OSError("only back to the start")
        self._chunks, self._rest, self._place = iter(self._content.chunks()), b"", 0
        return 0

    def read(self, count=-1):
        try:
            return self._read(count)
        except Exception as error:
            self.error = error
            raise

    def _read(self, count):
        pieces, wanted = [], len(self) if count is None or count < 0 else count
        while wanted:
            self._rest = self._rest or next(self._chunks, b"")
            if not self._rest:
                break
            piece, self._rest = self._rest[:wanted], self._rest[wanted:]
            pieces.append(piece)
            wanted -= len(piece)
            self._place += len(piece)
        return b"".join(pieces)


def _whole_size(answer, length):
    return int(answer["ContentRange"].rpartition("/")[2]) if "ContentRange" in answer else length
