"""The one room that knows S3: objects as a Django storage, multipart uploads, posts from browsers.

Its errors are OSErrors of ours (`trouble`); no name of botocore's leaves it.
"""

from labels.buckets.storage import BucketStorage
from labels.buckets.trouble import ObjectUnreadable, StorageTrouble

__all__ = ["BucketStorage", "ObjectUnreadable", "StorageTrouble"]
