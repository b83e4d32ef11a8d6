"""The tree of labels: each once, below its nearest parent, whatever the taxonomy looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.selection import tree as grouping

# Ids by the first letter, in the order of the list.
NAMES = ["Animal", "Dog", "Canine", "Pet", "Sky"]
TOTALS = {"Animal": 9, "Dog": 5, "Canine": 5, "Pet": 7, "Sky": 4}


def _tree(*edges, names=NAMES):
    rows = [{"id": number, "name": name, "total": TOTALS[name]} for number, name in enumerate(names, 1)]
    ids = {row["name"]: row["id"] for row in rows}
    pairs = [(ids.get(child, 98), ids.get(parent, 99)) for child, parent in edges]
    found = grouping.tree(rows, pairs)
    return [(row["name"], depth, parent and parent["name"]) for row, depth, parent in found]


@pytest.mark.parametrize(
    ("edges", "tree"),
    [
        pytest.param([], [(name, 0, None) for name in NAMES], id="no parents: a plain list"),
        pytest.param(
            [("Dog", "Animal"), ("Canine", "Animal"), ("Dog", "Canine")],
            [("Animal", 0, None), ("Canine", 1, "Animal"), ("Dog", 2, "Canine"), ("Pet", 0, None),
             ("Sky", 0, None)],
            id="below the nearest of all above it",
        ),
        pytest.param(
            [("Dog", "Canine"), ("Dog", "Pet")],
            [("Animal", 0, None), ("Canine", 0, None), ("Pet", 0, None), ("Dog", 1, "Pet"), ("Sky", 0, None)],
            id="of two nearest the more frequent",
        ),
        pytest.param(
            [("Sky", "Nature"), ("Nature", "World")],
            [(name, 0, None) for name in NAMES],
            id="a parent that is not in the list heads nothing",
        ),
    ],
)  # fmt: skip
def test_a_label_stands_below_its_nearest_parent(edges, tree):
    assert _tree(*edges) == tree


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))))
def test_every_label_stands_there_once_even_in_circles(edges):
    found = _tree(*edges)

    assert sorted(name for name, _, _ in found) == sorted(NAMES)
    depths = {name: depth for name, depth, _ in found}
    assert all(depth == (depths[parent] + 1 if parent else 0) for _, depth, parent in found)
