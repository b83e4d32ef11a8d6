"""Long matrices: their first cases are in the gate, all of them in `make test-everything`."""

import pytest
from hypothesis import HealthCheck, settings

GATE_EXAMPLES = 40


def first_in_gate(*cases, count=1, ids=None):
    """Return the cases as parameters; those after the first `count` run in `make test-everything` only."""
    ids = ids or [None] * len(cases)
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=pytest.mark.everything if number >= count else (),
            id=name,
        )
        for number, (case, name) in enumerate(zip(cases, ids, strict=True))
    ]


def seeds(count):
    """Return seeds as parameters: the first is in the gate, and each stands in the name of its test."""
    return first_in_gate(*range(count), ids=[f"seed {number}" for number in range(count)])


def examples(count):
    """Return Hypothesis' settings for an expensive test: so many examples in the gate."""
    return settings(max_examples=count * settings.default.max_examples // GATE_EXAMPLES)


def register_profiles():
    """Tell Hypothesis of the gate, where the same examples are tried every time, and of everything.

    How long an example takes says nothing on a busy machine. Fixtures of one test serve all its examples.
    """
    common = {
        "deadline": None,
        "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    }
    settings.register_profile("gate", max_examples=GATE_EXAMPLES, derandomize=True, database=None, **common)
    settings.register_profile("everything", max_examples=10 * GATE_EXAMPLES, print_blob=True, **common)
    settings.load_profile("gate")
