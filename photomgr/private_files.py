"""The data folder and the database are for the account that runs photomgr alone, old ones too."""

import contextlib
import os
import stat
from pathlib import Path


def private_folder(path: Path) -> None:
    """Make the folder with mode 0700, or take from an existing one what others may do."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    _narrow(path)


def private_database(path: Path) -> None:
    """Make the file of a SQLite database with mode 0600, which its -wal and -shm take over from it."""
    # A folder that is missing or cannot be written to is reported by the first query.
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    for suffix in ("", "-wal", "-shm"):
        _narrow(path.with_name(path.name + suffix))


def is_private(path: Path) -> bool:
    return not stat.S_IMODE(path.stat().st_mode) & 0o077


def _narrow(path):
    # Not ours to change, for example a volume of root's: a system check names it.
    with contextlib.suppress(FileNotFoundError, PermissionError):
        if not is_private(path):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o077)
