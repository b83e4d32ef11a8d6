"""Where archives are written: to local files, or as uploads to a bucket. Both modules have these functions:

| chunk_bytes(size) | the size of the chunks of an archive of `size` bytes |
| replace(key, bundle_id, size, kept) | begin an archive with `kept` bytes of another; return its key |
| write(key, chunk, content) | write the blocks of a chunk; return the tag by which storage knows it |
| is_there(key) | whether the archive is whole or can be continued |
| lost(key, tags) | the numbers of the chunks that are no longer as they were written |
| finish(key, tags) | make the archive whole |
| free_bytes(), remove(key), keep_only(bundle_id, keys), clear(bundle_id) | room, and making room |
| pieces(key), address(key) | the bytes of it, and where it is for people |
"""

from labels.bundles import local_archive
from labels.models.bundle import bundle_files
from labels.storage import is_bucket


def archives():
    if not is_bucket(bundle_files()):
        return local_archive
    # Imports boto3.
    from labels.bundles import s3_archive

    return s3_archive
