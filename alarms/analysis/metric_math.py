"""Pure: the part of CloudWatch's metric math that alarms of ours use, on numpy arrays.

Numbers, ids, + - * / ^, comparisons (1 or 0), AND OR, IF, FILL, ABS, MIN, MAX, FLOOR, CEIL. Anything else is
refused with its name, never guessed at.
"""

import ast
import re

import numpy as np

_BINARY = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Pow: np.power}
_COMPARE = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_LONGEST = 2048  # what PutMetricAlarm accepts


class UnknownExpression(ValueError):
    """The expression cannot be evaluated here."""


def names_in(expression):
    """Return the ids of the expression in the order they are written, without functions and words."""
    found = re.findall(r"\b[a-z]\w*\b(?!\s*\()", expression)
    return list(dict.fromkeys(found))


def compute(expression, columns):
    """Return the expression's value for each place of the columns {id: float array}; NaN is missing."""
    columns = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    size = len(next(iter(columns.values())))
    try:
        with np.errstate(all="ignore"):
            values = _value(_parsed(expression), columns)
    except RecursionError:
        raise UnknownExpression("The expression is nested too deeply.") from None
    values = np.array(np.broadcast_to(values, size), dtype=float)
    # CloudWatch shows no datapoint for a division by zero.
    values[~np.isfinite(values)] = np.nan
    return values


def _parsed(expression):
    if len(expression) > _LONGEST:
        raise UnknownExpression(f"The expression has {len(expression)} characters; {_LONGEST} are allowed.")
    text = re.sub(r"\bAND\b|&&", " and ", expression)
    text = re.sub(r"\bOR\b|\|\|", " or ", text).replace("^", "**").strip()
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnknownExpression(f"{expression} cannot be read: {error}.") from None


def _value(node, columns):
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return float(node.value)
        case ast.Name() if node.id in columns:
            return columns[node.id]
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, columns)
        case ast.BinOp(op=ast.Div()):
            top, bottom = _value(node.left, columns), _value(node.right, columns)
            return np.where(np.equal(bottom, 0), np.nan, np.divide(top, bottom))
        case ast.BinOp() if type(node.op) in _BINARY:
            return _BINARY[type(node.op)](_value(node.left, columns), _value(node.right, columns))
        case ast.Compare(ops=[operator], comparators=[right]):
            return _compared(operator, _value(node.left, columns), _value(right, columns))
        case ast.BoolOp():
            return _joined(node.op, [_value(value, columns) for value in node.values])
        case ast.Call(func=ast.Name(), keywords=[]):
            return _called(node, columns)
    raise UnknownExpression(f"{ast.unparse(node)} is not evaluated here.")


def _compared(operator, left, right):
    if type(operator) not in _COMPARE:
        raise UnknownExpression(f"{type(operator).__name__} is not evaluated here.")
    known = np.isfinite(left) & np.isfinite(right)
    return np.where(known, _COMPARE[type(operator)](left, right), np.nan)


def _joined(operator, parts):
    joined = np.logical_and if isinstance(operator, ast.And) else np.logical_or
    known, result = True, None
    for part in parts:
        known = known & np.isfinite(part)
        truth = np.not_equal(part, 0)
        result = truth if result is None else joined(result, truth)
    return np.where(known, result, np.nan)


def _called(node, columns):
    name = node.func.id
    if name == "FILL" and len(node.args) == 2:
        return _filled(node.args, columns)
    arguments = [_value(argument, columns) for argument in node.args]
    match name, arguments:
        case "IF", [condition, yes, *rest] if len(rest) < 2:
            no = rest[0] if rest else np.nan
            return np.where(np.isnan(condition), np.nan, np.where(np.not_equal(condition, 0), yes, no))
        case "ABS", [values]:
            return np.abs(values)
        case "FLOOR", [values]:
            return np.floor(values)
        case "CEIL", [values]:
            return np.ceil(values)
        case (("MIN" | "MAX"), [first, second]):
            return (np.fmin if name == "MIN" else np.fmax)(first, second)
    raise UnknownExpression(f"{ast.unparse(node)} is not evaluated here.")


def _filled(arguments, columns):
    values = _value(arguments[0], columns)
    if isinstance(arguments[1], ast.Name) and arguments[1].id == "REPEAT":
        places = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))
        return np.where(places < 0, np.nan, values[np.maximum(places, 0)])
    return np.where(np.isnan(values), _value(arguments[1], columns), values)
