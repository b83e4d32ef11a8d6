"""The libraries in this process's memory. Of one that has changed, only what has changed is read."""

import threading
from functools import lru_cache

from django.db.models import Aggregate, Q, TextField, Value
from django.db.models.functions import Cast

from labels.models import LibraryVersion, PhotoSummary

# A million photos take about 230 MB.
_LIBRARIES = 4
_AT_ONCE = 100_000


class _Joined(Aggregate):
    function = "GROUP_CONCAT"
    output_field = TextField()

    def as_postgresql(self, compiler, connection):
        return self.as_sql(compiler, connection, function="STRING_AGG")


def library(owner_id):
    """Return the selection.index.Index of the account's photos as they are now."""
    version = LibraryVersion.objects.filter(owner=owner_id).values_list("token", "number").first()
    if version is None:
        return _Shelf().index
    token, number = version
    shelf = _shelf(owner_id, token)
    # Others who ask for the same library wait for what is read, and need not read it, too.
    with shelf.lock:
        if shelf.index.version < number:
            shelf.index = _updated(shelf.index, owner_id)
        return shelf.index


class _Shelf:
    def __init__(self):
        # numpy takes long to import, and most commands count nothing.
        from labels.selection.index import Index

        self.index, self.lock = Index(), threading.Lock()


@lru_cache(maxsize=_LIBRARIES)
def _shelf(owner_id, token):
    return _Shelf()


def _updated(index, owner_id):
    """Return the index with all that was written after its version."""
    from labels.selection.index import Facts

    newer = Q(version__gt=index.version)
    while True:
        # As numbers in one text each, which numpy reads in a tenth of the time that rows take.
        columns = {name: _Joined(Cast(name, TextField()), Value(" ")) for name in Facts._fields}
        written = PhotoSummary.objects.filter(newer, owner=owner_id).order_by("version", "photo")[:_AT_ONCE]
        texts = written.aggregate(**columns, labels=_Joined("labels", Value(" 0 ")))
        if texts["photo_id"] is None:
            return index
        rows = Facts(*(_numbers(texts[name]) for name in Facts._fields))
        index = index.updated(rows, _numbers(f"{texts['labels']} 0"))
        if len(rows.photo_id) < _AT_ONCE:
            return index
        last = rows.version.max()
        photo = rows.photo_id[rows.version == last].max()
        newer = Q(version__gt=int(last)) | Q(version=int(last), photo__gt=int(photo))
        newer &= Q(version__gte=int(last))


def numbers(rows, column):
    """Return a column of whole numbers of a queryset, as an array."""
    return _numbers(rows.aggregate(text=_Joined(Cast(column, TextField()), Value(" ")))["text"] or "")


def _numbers(text):
    import numpy as np

    return np.fromstring(text, np.int64, sep=" ")
