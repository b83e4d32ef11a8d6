"""A selection becomes archives: planning -> asking -> building -> ending; sums come after."""

from labels.bundles.asking import AlreadyThere, NotAsked, ask
from labels.bundles.building import archive_ready, build, chunks_ready, help_build
from labels.bundles.ending import cancel, expire, give_up, keep_longer, remove_files, retry
from labels.bundles.planning import outline, plan
from labels.bundles.sums import add_sum, work_out

__all__ = [
    "AlreadyThere",
    "NotAsked",
    "add_sum",
    "archive_ready",
    "ask",
    "build",
    "cancel",
    "chunks_ready",
    "expire",
    "give_up",
    "help_build",
    "keep_longer",
    "outline",
    "plan",
    "remove_files",
    "retry",
    "work_out",
]
