"""A selection becomes archives: planning -> asking -> building -> ending."""

from labels.bundles.asking import NothingSelected, ask
from labels.bundles.building import build
from labels.bundles.ending import cancel, expire, give_up, retry
from labels.bundles.planning import plan

__all__ = ["NothingSelected", "ask", "build", "cancel", "expire", "give_up", "plan", "retry"]
