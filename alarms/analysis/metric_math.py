"""The part of CloudWatch's metric math that alarms of ours use; the rest is refused, never guessed at."""

import ast
import re
from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alarms.analysis.arrays import Floats

Columns = Mapping[str, Floats]
Value = Any  # a number or an array of one length: what numpy broadcasts

_OPERATORS: dict[type, np.ufunc] = {
    **{ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Pow: np.power},
    **{ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal},
    **{ast.Eq: np.equal, ast.NotEq: np.not_equal},
}


class UnknownExpression(ValueError):
    pass


def names_in(expression: str) -> list[str]:
    """Return the ids of the expression in the order they are written, without functions and words."""
    return list(dict.fromkeys(re.findall(r"\b[a-z]\w*\b(?!\s*\()", expression)))


def compute(expression: str, columns: Mapping[str, ArrayLike]) -> Floats:
    """Return the expression's value for each place of the columns {id: float array}; NaN is missing."""
    arrays = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    size = len(next(iter(arrays.values())))
    try:
        with np.errstate(all="ignore"):
            values = _value(_parsed(expression), arrays)
    except RecursionError:
        raise UnknownExpression("The expression is nested too deeply.") from None
    values = np.array(np.broadcast_to(values, size), dtype=float)
    # CloudWatch shows no datapoint for a division by zero.
    values[~np.isfinite(values)] = np.nan
    return values


def _parsed(expression: str) -> ast.expr:
    if len(expression) > 2048:  # what PutMetricAlarm accepts
        raise UnknownExpression(f"The expression has {len(expression)} characters; 2048 are allowed.")
    text = re.sub(r"\bAND\b|&&", " and ", expression)
    text = re.sub(r"\bOR\b|\|\|", " or ", text).replace("^", "**").strip()
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnknownExpression(f"{expression} cannot be read: {error}.") from None


def _value(node: ast.expr, columns: Columns) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name() if node.id in columns:
            return columns[node.id]
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, columns)
        case ast.BinOp(op=ast.Div()):
            top, bottom = _value(node.left, columns), _value(node.right, columns)
            return np.where(np.equal(bottom, 0), np.nan, np.divide(top, bottom))
        case ast.BinOp() if type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](_value(node.left, columns), _value(node.right, columns))
        case ast.Compare(ops=[operator], comparators=[right]):
            return _compared(operator, _value(node.left, columns), _value(right, columns))
        case ast.BoolOp():
            return _joined(node.op, [_value(value, columns) for value in node.values])
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            return _called(node, name, columns)
    raise UnknownExpression(f"{ast.unparse(node)} is not evaluated here.")


def _compared(operator: ast.cmpop, left: Value, right: Value) -> Value:
    if type(operator) not in _OPERATORS:
        raise UnknownExpression(f"{type(operator).__name__} is not evaluated here.")
    known = np.isfinite(left) & np.isfinite(right)
    return np.where(known, _OPERATORS[type(operator)](left, right), np.nan)


def _joined(operator: ast.boolop, parts: list[Value]) -> Value:
    joined = np.logical_and if isinstance(operator, ast.And) else np.logical_or
    known = reduce(np.logical_and, map(np.isfinite, parts))
    return np.where(known, reduce(joined, [np.not_equal(part, 0) for part in parts]), np.nan)


def _called(node: ast.Call, name: str, columns: Columns) -> Value:
    if name == "FILL" and len(node.args) == 2:
        return _filled(node.args, columns)
    arguments = [_value(argument, columns) for argument in node.args]
    match name, arguments:
        case "IF", [condition, yes, *rest] if len(rest) < 2:
            no = rest[0] if rest else np.nan
            return np.where(np.isnan(condition), np.nan, np.where(np.not_equal(condition, 0), yes, no))
        case (("ABS" | "FLOOR" | "CEIL"), [values]):
            return {"ABS": np.abs, "FLOOR": np.floor, "CEIL": np.ceil}[name](values)
        case (("MIN" | "MAX"), [first, second]):
            return (np.fmin if name == "MIN" else np.fmax)(first, second)
    raise UnknownExpression(f"{ast.unparse(node)} is not evaluated here.")


def _filled(arguments: list[ast.expr], columns: Columns) -> Value:
    values = _value(arguments[0], columns)
    if isinstance(arguments[1], ast.Name) and arguments[1].id == "REPEAT":
        places = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))
        return np.where(places < 0, np.nan, values[np.maximum(places, 0)])
    return np.where(np.isnan(values), _value(arguments[1], columns), values)
