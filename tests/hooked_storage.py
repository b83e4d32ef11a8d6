"""Local files with a hook at the wire: a test acts in the moment a file is opened."""

from django.core.files.storage import FileSystemStorage


class HookedStorage(FileSystemStorage):
    """Call `before_open` with the key of each file before it is opened."""

    before_open = staticmethod(lambda key: None)

    def _open(self, name, mode="rb"):
        HookedStorage.before_open(name)
        return super()._open(name, mode)
