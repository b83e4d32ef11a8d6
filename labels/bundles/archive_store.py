"""Which of the two rooms archives are written to: local files, or uploads to a bucket."""

from labels.bundles import local_archive, s3_archive
from labels.models.bundle import bundle_files
from labels.storage.bucket import BucketStorage


def archives():
    """Return the module whose functions write archives: they have the same names and take the same."""
    return s3_archive if isinstance(bundle_files(), BucketStorage) else local_archive
