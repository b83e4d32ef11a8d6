"""The SHA-256 of finished archives, worked out after they may be fetched: it takes longer than building."""

import hashlib

from labels.bundles.archive_store import archives
from labels.bundles.chunks import once_a_second
from labels.models import BundlePart


def add_sum(part_id):
    if BundlePart.objects.claim_sum(part_id):
        work_out(BundlePart.objects.get(pk=part_id))


def work_out(part):
    """Return the SHA-256 of a finished archive, and store it in its row; "" when it is no longer kept."""
    if part.sha256:
        return part.sha256
    # The same file: a bundle that is built again gets new ones.
    row = BundlePart.objects.filter(pk=part.pk, file=part.file.name)
    digest, after_piece = hashlib.sha256(), once_a_second(row.renew_lease)
    try:
        for piece in archives().pieces(part.file.name):
            digest.update(piece)
            after_piece()
    except FileNotFoundError:
        return ""
    row.release(sha256=digest.hexdigest())
    return digest.hexdigest()
