"""The one package that knows S3: buckets as Django storages, multipart uploads, and whether storage works."""


def is_bucket(storage):
    """Return whether a Django storage is a bucket, without the import of boto3 that `isinstance` needs."""
    return hasattr(storage, "bucket_name")
