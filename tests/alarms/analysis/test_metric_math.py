import numpy as np
import pytest

from alarms.analysis.metric_math import UnknownExpression, compute, names_in

NAN = np.nan
COLUMNS = {"errors": [0, 5, 10, NAN], "requests": [0, 50, 100, 200]}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("errors", [0, 5, 10, NAN]),
        ("errors + requests * 2", [0, 105, 210, NAN]),
        ("-errors ^ 2", [0, -25, -100, NAN]),
        ("100 * errors / requests", [NAN, 10, 10, NAN]),
        ("IF(requests >= 100, 100 * errors / requests, 0)", [0, 0, 10, NAN]),
        ("IF(errors > 4, 1)", [NAN, 1, 1, NAN]),
        ("IF(requests > 10 AND errors < 7, 1, 0)", [0, 1, 0, NAN]),
        ("requests == 0 || errors == 10", [1, 0, 1, NAN]),
        ("FILL(errors, 0)", [0, 5, 10, 0]),
        ("FILL(errors, REPEAT)", [0, 5, 10, 10]),
        ("MAX(errors, requests)", [0, 50, 100, 200]),
        ("MIN(FLOOR(errors / 3), CEIL(requests / 70))", [0, 1, 2, 3]),
        ("ABS(errors - 5)", [5, 0, 5, NAN]),
        ("7", [7, 7, 7, 7]),
    ],
)
def test_expressions(expression, expected):
    np.testing.assert_array_equal(compute(expression, COLUMNS), expected)


@pytest.mark.parametrize(
    "expression",
    [
        "RATE(errors)",
        "SEARCH('{AWS/EC2}', 'Average')",
        "unknown + 1",
        "errors.__class__",
        "errors[0]",
        "errors < requests < 3",
        "__import__('os')",
        "IF(errors)",
        "errors +",
        "'text'",
        "True",
        "lambda: 1",
        "(" * 300 + "1" + ")" * 300,
        "1+" * 1200 + "1",
        "-" * 1900 + "1",
        "1+" * 1000 + "1",
    ],
)
def test_what_is_not_known_is_refused(expression):
    with pytest.raises(UnknownExpression):
        compute(expression, COLUMNS)


def test_ids_are_told_from_functions_and_words():
    assert names_in("IF(m1 > 2 AND FILL(m2, REPEAT) < m1, e1)") == ["m1", "m2", "e1"]
