"""Pure: a list of labels as a tree, each one once and below the nearest label above it."""

from collections import defaultdict


def tree(rows, edges):
    """Return [(row, depth, parent row or None)], children right after their parent, in the order of `rows`.

    `rows` have `id` and `total`; `edges` are the (label id, id of one above it) of all labels. What is in
    no row counts for nothing. Of several nearest parents the most frequent one takes the label: a label
    that stood in two places would be two checkboxes.
    """
    by_id = {row["id"]: row for row in rows}
    above = defaultdict(set)
    for child, parent in edges:
        if child in by_id and parent in by_id and child != parent:
            above[child].add(parent)
    children, roots = defaultdict(list), []
    for row in rows:
        parent = _nearest(above[row["id"]], above, by_id)
        (children[parent] if parent else roots).append(row)
    found, seen = [], set()
    # Labels in a circle have no root; each is tried as one in the end, so that none is lost.
    waiting = [(row, 0, None) for row in (*rows[::-1], *roots[::-1])]
    while waiting:
        row, depth, parent = waiting.pop()
        if row["id"] not in seen:
            seen.add(row["id"])
            found.append((row, depth, parent))
            waiting += [(child, depth + 1, row) for child in reversed(children[row["id"]])]
    return found


def _nearest(parents, above, by_id):
    """Return the parent that is above no other parent, the most frequent of several; None without any."""
    farther = {one for parent in parents for one in above[parent]}
    nearest = parents - farther
    return max(nearest, key=lambda one: (by_id[one]["total"], -one), default=None)
