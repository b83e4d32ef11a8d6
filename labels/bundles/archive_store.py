"""Where archives are written: to local files, or as uploads to a bucket. Both modules have these functions:

| chunk_bytes(size) | the size of the chunks of an archive of `size` bytes |
| allocate(bundle_id, size) | begin an archive; return its key |
| replace(key, bundle_id, size, kept) | the same, with the first `kept` bytes of another |
| write(key, chunk, content) | write the blocks of a chunk; return the tag by which storage knows it |
| is_there(key) | whether the archive is whole or can be continued |
| lost(key, tags) | the numbers of the chunks that are no longer as they were written |
| finish(key, tags) | make the archive whole |
| free_bytes(), remove(key), keep_only(bundle_id, keys), clear(bundle_id) | room, and making room |
| sha256(key, on_piece), copy_out(key, path), address(key) | for people |
"""

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
