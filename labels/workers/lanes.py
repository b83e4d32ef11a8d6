"""Which queues a cluster takes its tasks from, and in which order: so nothing short waits behind labelling.

A cluster's own queue goes first, always. Its other queues take turns, so that none of them starves.
"""

LABELS, BUNDLES = "labels", "bundles"
CLUSTERS = (LABELS, BUNDLES)
# Work of seconds: a file that a browser sent to the bucket, a change of many photos, piece by piece.
TURNS = "turns"
# One task for each photo that waits for labels: there may be a million.
PHOTOS = "photos"

_BEHIND = {LABELS: (TURNS, PHOTOS)}


def in_order(cluster, number):
    """Return the queues in the order in which the cluster's `number`th look asks them for a task."""
    behind = _BEHIND.get(cluster, ())
    first = number % len(behind) if behind else 0
    return (cluster, *behind[first:], *behind[:first])


def queues():
    """Return every queue there is, by the cluster that takes from it."""
    return {cluster: in_order(cluster, 0) for cluster in CLUSTERS}
