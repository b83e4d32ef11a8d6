"""Take uploads to disk, and never more of one than the limit allows."""

from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Write every upload to a temporary file; past UPLOAD_MAX_BYTES count the bytes and drop them.

    The request is still read to its end, because a connection cut in the middle would tell the
    person nothing: intake then refuses the file with its true size in the sentence.
    """

    def receive_data_chunk(self, raw_data, start):
        if start <= settings.UPLOAD_MAX_BYTES:
            super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size):
        upload = super().file_complete(file_size)
        upload.size = file_size
        return upload
