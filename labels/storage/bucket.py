"""A bucket, or a prefix of one, as a Django storage. This module imports boto3: see `is_bucket`."""

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

from labels.storage.errors import DENIED, MISSING, ObjectUnreadable, StorageUnavailable
from photomgr import aws

# Read by one request, and requested again when the connection breaks.
CHUNK_BYTES = 4 * 1024 * 1024


class BucketStorage(S3Storage):
    """S3Storage with one client per process (`photomgr.aws`) and the errors of `labels.storage.errors`.

    Options about the connection (`access_key`, `endpoint_url`, `region_name` …) have no effect: boto3's
    environment variables configure it. Keys are random; no object is overwritten.
    """

    # Replaces multipart uploads, in threads, of files over 8 MiB: a killed one leaves its parts behind.
    # 5 GiB is the limit of PutObject: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    transfer_config = TransferConfig(multipart_threshold=5 * 1024**3, use_threads=False)

    @property
    def connection(self):
        """Replaces one client per thread, without our retries and timeouts, shared with forked processes."""
        return aws.s3_resource()

    @property
    def bucket(self):
        """Replaces a Bucket that keeps its first connection for good, also in forked processes."""
        return self.connection.Bucket(self.bucket_name)

    @property
    def client(self):
        return aws.client("s3")

    @property
    def prefix(self):
        return f"{self.location.rstrip('/')}/" if self.location else ""

    def key(self, name):
        """Return the key in the bucket of a name within our location, not normalised."""
        return self.prefix + name

    def exists(self, name):
        """Replaces botocore's errors by ours."""
        with translated_errors():
            return super().exists(name)

    def size(self, name):
        """Replaces botocore's errors by ours, and a FileNotFoundError without errno."""
        return self._head(name)["ContentLength"]

    def get_modified_time(self, name):
        """Replaces botocore's errors by ours."""
        return self._head(name)["LastModified"]

    def delete(self, name):
        """Replaces botocore's errors by ours, and no error at all when the bucket does not exist."""
        with translated_errors():
            self.client.delete_object(Bucket=self.bucket_name, Key=self.key(name))

    def listdir(self, path):
        """Replaces the deprecated ListObjects by ListObjectsV2, and botocore's errors by ours."""
        inside, folders, files = self.key(f"{path}/" if path else ""), [], []
        pages = self.client.get_paginator("list_objects_v2")
        with translated_errors():
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=inside, Delimiter="/"):
                folders += [row["Prefix"][len(inside) : -1] for row in page.get("CommonPrefixes", ())]
                files += [row["Key"][len(inside) :] for row in page.get("Contents", ())]
        return folders, files

    def walk(self, after="", within=""):
        """Yield (name, size, modified) of objects by name: those that begin with `within`, beyond `after`."""
        pages = self.client.get_paginator("list_objects_v2")
        start = {"StartAfter": self.key(after)} if after else {}
        with translated_errors():
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=self.key(within), **start):
                for row in page.get("Contents", ()):
                    yield row["Key"].removeprefix(self.prefix), row["Size"], row["LastModified"]

    def read_range(self, name, start=0, end=None):
        """Return bytes start..end of an object (fewer when it ends before) and the size of the whole."""
        wanted = f"bytes={start}-{'' if end is None else end - 1}"
        for tries_left in (2, 1, 0):
            try:
                with translated_errors(name, self._is_all_denied):
                    answer = self.client.get_object(Bucket=self.bucket_name, Key=self.key(name), Range=wanted)
            except StorageUnavailable as error:
                if error.code in ("InvalidRange", "416"):
                    return b"", self.size(name)
                raise
            try:
                with answer["Body"] as body:
                    content = body.read()
            except (BotoCoreError, HTTPError, OSError) as error:
                if not tries_left:
                    raise StorageUnavailable(type(error).__name__) from error
            else:
                whole = answer.get("ContentRange", "").rpartition("/")[2]
                return content, int(whole or len(content))

    def iter_chunks(self, name, start=0, end=None):
        """Yield the bytes start..end of an object, or up to its end when that comes first."""
        while end is None or start < end:
            stop = start + CHUNK_BYTES if end is None else min(start + CHUNK_BYTES, end)
            content, whole = self.read_range(name, start, stop)
            if content:
                yield content
            start += len(content)
            if start >= whole or not content:
                return

    def signed_url(self, name, *, seconds, method="GET", save_as="", content_type, cache="private, no-cache"):
        answer = {"ResponseContentType": content_type, "ResponseCacheControl": cache}
        if save_as:
            answer["ResponseContentDisposition"] = content_disposition_header(True, save_as)
        call = "get_object" if method == "GET" else "head_object"
        with translated_errors():
            return self.client.generate_presigned_url(
                call, Params={"Bucket": self.bucket_name, "Key": self.key(name), **answer}, ExpiresIn=seconds
            )

    def signed_post(self, name, size, seconds):
        """Return {"url", "fields"} of a presigned POST of exactly `size` bytes to `name`."""
        kind = {"Content-Type": "application/octet-stream"}
        conditions = [kind, ["content-length-range", size, size]]
        with translated_errors():
            return self.client.generate_presigned_post(
                self.bucket_name, self.key(name), Fields=kind, Conditions=conditions, ExpiresIn=seconds
            )

    def _open(self, name, mode="rb"):
        """Replaces a HEAD before each GET, whose errors have no code, and normalised keys."""
        # Pictures are read at random offsets: download once, to disk when it is large.
        file = tempfile.SpooledTemporaryFile(2**23, dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115
        try:
            for chunk in self.iter_chunks(name):
                file.write(chunk)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return File(file, name)

    def _save(self, name, content):
        """Replaces botocore's errors by ours, and its wrapper around what `content` itself raises."""
        with translated_errors():
            try:
                return super()._save(name, content)
            except HTTPClientError as error:
                cause = error.kwargs.get("error")
                if isinstance(cause, Exception) and not isinstance(cause, HTTPError):
                    raise cause from None
                raise

    def _head(self, name):
        with translated_errors(name):
            return self.client.head_object(Bucket=self.bucket_name, Key=self.key(name))

    def _is_all_denied(self):
        """Return whether an object that was just written cannot be read either."""
        probe = f"access-{uuid.uuid4().hex}"
        try:
            with translated_errors():
                self.save(probe, ContentFile(b"ok"))
                self.client.get_object(Bucket=self.bucket_name, Key=self.key(probe))["Body"].read()
        except StorageUnavailable:
            return True
        finally:
            with suppress(StorageUnavailable):
                self.delete(probe)
        return False


@contextmanager
def translated_errors(name=None, is_all_denied=lambda: True):
    """Raise botocore's errors as those of `labels.storage.errors`; `name` is the object that is accessed.

    S3 answers "access denied" whether it concerns one object or all: `is_all_denied` finds out.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if name is not None and code in MISSING:
            raise FileNotFoundError(errno.ENOENT, "no longer in storage", name) from error
        if name is not None and code == "InvalidObjectState":
            raise ObjectUnreadable("it lies in an archive and has to be restored first", name) from error
        if name is not None and code in DENIED and not is_all_denied():
            raise ObjectUnreadable("access to it is denied", name) from error
        raise StorageUnavailable(code) from error
    except BotoCoreError as error:
        raise StorageUnavailable(type(error).__name__) from error
