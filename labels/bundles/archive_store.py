"""Where archives are written: to local files, or as uploads to a bucket."""

from labels.bundles import local_archive
from labels.models.bundle import bundle_files
from labels.storage import is_bucket


def archives():
    """Return the module whose functions write archives: they have the same names and take the same."""
    if not is_bucket(bundle_files()):
        return local_archive
    # Imports boto3.
    from labels.bundles import s3_archive

    return s3_archive
