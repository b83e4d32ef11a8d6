"""The one package that knows S3: buckets as Django storages, multipart uploads, and whether storage works."""
