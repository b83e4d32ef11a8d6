"""Send a stored file whole or in part, so that a download can be resumed and fetched in parallel (RFC 9110).

No library does all of it: django-ranged-response reads the whole file for its size, WhiteNoise is for
static files, and neither knows If-Range; django-sendfile2 and django-downloadview leave ranges to a web
server in front.
"""

import os
import re

from django.db import connections
from django.http import FileResponse, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date, quote_etag

# No file size has more digits; a longer number is ignored like any other nonsense.
_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


def byte_range(header, size):
    """Return the one range of a Range header, empty when a file of `size` has no such bytes.

    Return None when the whole is to be sent: malformed, several ranges, another unit.
    """
    found = _RANGE.fullmatch(header)
    first, last = found.groups() if found else ("", "")
    if first and last:
        # A range that ends before it begins is malformed, not unsatisfiable.
        return range(int(first), min(int(last) + 1, size)) if int(first) <= int(last) else None
    if first:
        return range(int(first), size)
    # The last so many bytes; the last five of an empty file are the whole of it, which no range can name.
    return range(max(0, size - int(last)), size) if last and (size or not int(last)) else None


def send(request, file, *, name, content_type, etag, modified):
    """Return an answer that saves a stored file as `name`; raise FileNotFoundError when it is gone.

    Once open it is sent to its end, even when it is removed from storage meanwhile.
    """
    opened = file.open("rb")
    size = opened.seek(0, os.SEEK_END)
    validators = {
        "ETag": quote_etag(etag),
        "Last-Modified": http_date(modified.timestamp()),
        # "no-store" would make a browser that was interrupted begin at the first byte again; "no-cache"
        # has it revalidate each time, because who may have the file can change.
        "Cache-Control": "private, no-cache, no-transform",
    }
    wanted = _wanted(request, size, validators)
    answer = get_conditional_response(request, validators["ETag"], int(modified.timestamp()))
    if answer is None and wanted is not None and not wanted:
        answer = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    elif answer is None:
        answer = _answer(request, opened, size, wanted, content_type)
        answer.headers["Content-Disposition"] = content_disposition_header(True, name)
    if not answer.streaming:
        opened.close()
    for header, value in validators.items():
        answer.headers[header] = value
    return answer


def _wanted(request, size, validators):
    """Return the requested range, if its condition holds: the file must still be the same."""
    # Compared as text: a weak ETag or a date written differently is no match.
    condition = request.headers.get("If-Range")
    unchanged = condition is None or condition.strip() in (validators["ETag"], validators["Last-Modified"])
    # Only for GET does a range mean anything.
    if request.method != "GET" or not unchanged:
        return None
    return byte_range(request.headers.get("Range", ""), size)


def _answer(request, opened, size, wanted, content_type):
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(size)}
    if request.method == "HEAD":
        return HttpResponse(content_type=content_type, headers=headers)
    status = 200
    if wanted is not None:
        status = 206
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{size}"
        headers["Content-Length"] = str(len(wanted))
    _close_connections()
    part = _Part(opened, range(size) if wanted is None else wanted)
    return _PartResponse(part, status=status, content_type=content_type, headers=headers)


def _close_connections():
    """Hold no database connection during the minutes of a download."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


class _Part:
    """Some bytes of an open file, as a file: positions are those of the whole.

    The web server seeks in it and sends it in its event loop; what cannot seek holds a thread to its end.
    """

    def __init__(self, file, wanted):
        self._file = file
        self._stop = wanted.stop
        self.close, self.fileno, self.seekable, self.tell = file.close, file.fileno, file.seekable, file.tell
        file.seek(wanted.start)

    def seek(self, offset, whence=os.SEEK_SET):
        if whence == os.SEEK_END:
            return self._file.seek(self._stop + offset)
        return self._file.seek(offset, whence)

    def read(self, count):
        return self._file.read(min(count, self._stop - self._file.tell()))


class _PartResponse(FileResponse):
    block_size = 1024 * 1024

    def set_headers(self, filelike):
        """Leave the headers to send(), which knows the range."""
