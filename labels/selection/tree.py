"""Pure: a list of labels as a tree, each one once and below the nearest label above it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]  # of the tag list, with `id` and `total`


def tree(rows: list[Row], edges: Iterable[tuple[int, int]]) -> list[tuple[Row, int, Row | None]]:
    """Return [(row, depth, parent row or None)], children right after their parent, in the order of `rows`.

    `edges` are the (label id, id of one above it) of all labels. Of several nearest parents the most frequent
    one takes the label: a label that stood in two places would be two checkboxes.
    """
    by_id = {row["id"]: row for row in rows}
    above: dict[int, set[int]] = defaultdict(set)
    for child, one_above in edges:
        if child in by_id and one_above in by_id and child != one_above:
            above[child].add(one_above)
    children: dict[int, list[Row]] = defaultdict(list)
    roots: list[Row] = []
    for row in rows:
        parents = above[row["id"]]
        nearest = parents - {one for parent in parents for one in above[parent]}
        best = max(nearest, key=lambda one: (by_id[one]["total"], -one), default=None)
        (children[best] if best else roots).append(row)
    found: list[tuple[Row, int, Row | None]] = []
    seen: set[int] = set()
    # Labels in a circle have no root; each is tried as one in the end, so that none is lost.
    waiting: list[tuple[Row, int, Row | None]] = [(row, 0, None) for row in (*rows[::-1], *roots[::-1])]
    while waiting:
        row, depth, parent = waiting.pop()
        if row["id"] not in seen:
            seen.add(row["id"])
            found.append((row, depth, parent))
            waiting += [(child, depth + 1, row) for child in reversed(children[row["id"]])]
    return found
