"""Rules of composite alarms: parsed, evaluated, and brought into one spelling.

    rule := term (AND|OR term)*        term := NOT term | ( rule ) | TRUE | FALSE
                                             | ALARM(name) | OK(name) | INSUFFICIENT_DATA(name)

A name may stand in double or single quotes, and may be an alarm's ARN.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<call>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?P<name>\"[^\"]*\"|'[^']*'|[^\s()\"']+)\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<bracket>[()]))"
)
Token = tuple[str, ...]  # (state, name), (word,) or (bracket,)
Tree = tuple[Any, ...]


class BadRule(ValueError):
    pass


def parse(rule: str) -> Tree:
    """Return the rule as a tree: ("ALARM", name), ("TRUE",), ("NOT", t), ("AND", t, t), ("OR", t, t)."""
    tree, rest = _disjunction(list(_tokens(rule)))
    if rest:
        raise BadRule(f"{_shown(rest[0])} stands where AND or OR was expected")
    return tree


def children(rule: str) -> list[str]:
    return list(dict.fromkeys(token[1] for token in _tokens(rule) if len(token) == 2))


def count_elements(rule: str) -> int:
    """Return how many alarms, operators and constants the rule has."""
    return sum(1 for token in _tokens(rule) if token[0] not in "()")


def normal_rule(rule: str) -> str:
    """Return the rule in one spelling, or as it is when it cannot be parsed."""
    try:
        tokens = list(_tokens(rule))
    except BadRule:
        return rule
    text = " ".join(_shown(token) for token in tokens)
    return text.replace("( ", "(").replace(" )", ")")


def evaluate(tree: Tree, states: Mapping[str, str]) -> bool:
    """Return whether a rule holds; states is {name: state}, and an unknown name has none."""
    match tree:
        case ["TRUE" | "FALSE" as word]:
            return bool(word == "TRUE")
        case ["NOT", inner]:
            return not evaluate(inner, states)
        case ["AND" | "OR" as word, left, right]:
            return (all if word == "AND" else any)(evaluate(side, states) for side in (left, right))
    state, name = tree
    return bool(states.get(name) == state)


def _tokens(rule: str) -> Iterator[Token]:
    place, end = 0, len(rule.rstrip())
    while place < end:
        match = _TOKEN.match(rule, place)
        if not match:
            raise BadRule(f"nothing can be made of {rule[place : place + 30].strip()!r}")
        place = match.end()
        if match["call"]:
            name = match["name"].strip("\"'")
            yield match["call"], name.split(":alarm:", 1)[-1]
        else:
            yield (match["word"] or match["bracket"],)


def _disjunction(tokens: list[Token]) -> tuple[Tree, list[Token]]:
    # AND binds closer than OR.
    return _chain(tokens, "OR", lambda rest: _chain(rest, "AND", _term))


def _chain(
    tokens: list[Token], word: str, operand: Callable[[list[Token]], tuple[Tree, list[Token]]]
) -> tuple[Tree, list[Token]]:
    left, tokens = operand(tokens)
    while tokens and tokens[0] == (word,):
        right, tokens = operand(tokens[1:])
        left = (word, left, right)
    return left, tokens


def _term(tokens: list[Token]) -> tuple[Tree, list[Token]]:
    if not tokens:
        raise BadRule("the rule ends where an alarm was expected")
    head, *rest = tokens
    if head == ("NOT",):
        inner, rest = _term(rest)
        return ("NOT", inner), rest
    if head == ("(",):
        inner, rest = _disjunction(rest)
        if not rest or rest[0] != (")",):
            raise BadRule("a bracket is not closed")
        return inner, rest[1:]
    if len(head) == 2 or head in (("TRUE",), ("FALSE",)):
        return head, rest
    raise BadRule(f"{_shown(head)} stands where an alarm was expected")


def _shown(token: Token) -> str:
    return f'{token[0]}("{token[1]}")' if len(token) == 2 else token[0]
