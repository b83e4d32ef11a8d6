"""Read finished archives back, each alone, with Python's own zipfile."""

import csv
import hashlib
import io
import zipfile

from labels.models.bundle import bundle_files


def content(part):
    """Return the bytes of one archive."""
    with bundle_files().open(part.file.name) as file:
        return file.read()


def entries(part):
    """Return [(name, bytes)] of one archive in order, manifest and sums last."""
    with zipfile.ZipFile(io.BytesIO(content(part))) as archive:
        assert archive.testzip() is None
        return [(name, archive.read(name)) for name in archive.namelist()]


def photos(bundle):
    """Return {name: SHA-256} of every photo in the bundle's archives, in order."""
    found = {}
    for part in bundle.parts.all():
        *files, (manifest_name, _), (sums_name, _) = entries(part)
        assert (manifest_name, sums_name) == ("manifest.csv", "SHA256SUMS")
        found.update((name, hashlib.sha256(data).hexdigest()) for name, data in files)
    return found


def manifest(bundle):
    """Return the rows of every part's manifest."""
    rows = []
    for part in bundle.parts.all():
        text = entries(part)[-2][1].decode()
        rows += csv.DictReader(io.StringIO(text, newline=""))
    return rows
