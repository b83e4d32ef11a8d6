"""Send what is stored: local files by us or the proxy in front, a bucket's by a link signed at the click."""

from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.http import content_disposition_header

from labels.storage import is_bucket
from labels.views import ranged

# A download that has begun goes on when its link has ended.
_DOWNLOAD_SECONDS = 300
_PICTURE_SECONDS = 3600


def attachment(request, file, *, name, content_type, etag, modified):
    """Return an answer that saves a stored file as `name`; raise FileNotFoundError when it is gone."""
    if not is_bucket(file.storage):
        if settings.X_ACCEL_REDIRECT:
            answer = _by_proxy(file, content_type)
            answer.headers["Content-Disposition"] = content_disposition_header(True, name)
            answer.headers["Cache-Control"] = "private, no-cache, no-transform"
            return answer
        return ranged.send(request, file, name=name, content_type=content_type, etag=etag, modified=modified)
    # Checked first, because S3's own page about a missing object is XML.
    file.storage.size(file.name)
    link = file.storage.signed_url(
        file.name, seconds=_DOWNLOAD_SECONDS, method=request.method, save_as=name, content_type=content_type
    )
    return HttpResponseRedirect(link, headers={"Cache-Control": "no-store"})


def archive(request, bundle, part):
    """Return an answer that saves an archive; None when the bundle is past its time or the file gone."""
    if bundle.expires_at <= timezone.now():
        return None
    try:
        return attachment(
            request,
            part.file,
            name=part.file_name,
            content_type="application/zip",
            # A file is never written again once it may be fetched.
            etag=Path(part.file.name).stem,
            modified=bundle.finished_at,
        )
    except FileNotFoundError:
        # The sweep has just taken it away.
        return None


def picture(request, file, content_type):
    """Return an answer that shows a stored picture; raise FileNotFoundError when it is gone."""
    if not is_bucket(file.storage):
        if settings.X_ACCEL_REDIRECT:
            return _by_proxy(file, content_type)
        return FileResponse(file.open("rb"), content_type=content_type)
    link = file.storage.signed_url(
        file.name,
        seconds=_PICTURE_SECONDS,
        method=request.method,
        content_type=content_type,
        cache="private, max-age=86400, immutable",
    )
    # The browser may keep the way there only while the link is good.
    keep = f"private, max-age={_PICTURE_SECONDS // 2}"
    return HttpResponseRedirect(link, headers={"Cache-Control": keep})


def _by_proxy(file, content_type):
    """Return an answer in whose place the proxy sends the file, with its own ranges and ETag."""
    # Asked here: the proxy's page about a file that is gone is not ours.
    file.storage.size(file.name)
    path = Path(file.path).relative_to(settings.DATA_DIR)
    link = quote(f"{settings.X_ACCEL_REDIRECT}/{path}")
    return HttpResponse(content_type=content_type, headers={"X-Accel-Redirect": link})
