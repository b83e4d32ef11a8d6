"""Rules of composite alarms: read, judged, and written one way (pure).

    rule := term (AND|OR term)*        term := NOT term | ( rule ) | TRUE | FALSE
                                             | ALARM(name) | OK(name) | INSUFFICIENT_DATA(name)

A name may stand in double or single quotes, and may be an alarm's ARN.
"""

import re

MOST_CHILDREN, MOST_ELEMENTS, MOST_CHARACTERS = 100, 500, 10_240

_TOKEN = re.compile(
    r"\s*(?:(?P<call>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?P<name>\"[^\"]*\"|'[^']*'|[^\s()\"']+)\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<bracket>[()]))"
)


class BadRule(ValueError):
    """A rule that cannot be read; the message says where."""


def read(rule):
    """Return the rule as a tree: ("ALARM", name), ("TRUE",), ("NOT", t), ("AND", t, t), ("OR", t, t)."""
    tokens = list(_tokens(rule))
    tree, rest = _expression(tokens)
    if rest:
        raise BadRule(f"{_shown(rest[0])} stands where AND or OR was expected")
    return tree


def children(rule):
    """Return the names of the alarms a rule asks about, each once, in order."""
    return list(dict.fromkeys(token[1] for token in _tokens(rule) if len(token) == 2))


def elements(rule):
    """Return how many alarms, operators and constants the rule has, as CloudWatch counts them."""
    return sum(1 for token in _tokens(rule) if token[0] not in "()")


def tidy(rule):
    """Return the rule in one spelling, or as it is when it cannot be read."""
    try:
        tokens = list(_tokens(rule))
    except BadRule:
        return rule
    text = " ".join(_shown(token) for token in tokens)
    return text.replace("( ", "(").replace(" )", ")")


def value(tree, states):
    """Return whether a rule holds; states is {name: state}, and an unknown name has none."""
    match tree:
        case ("TRUE",):
            return True
        case ("FALSE",):
            return False
        case ("NOT", inner):
            return not value(inner, states)
        case ("AND", left, right):
            return value(left, states) and value(right, states)
        case ("OR", left, right):
            return value(left, states) or value(right, states)
        case (state, name):
            return states.get(name) == state


def _tokens(rule):
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


def _expression(tokens):
    """AND binds closer than OR."""
    left, tokens = _conjunction(tokens)
    while tokens and tokens[0] == ("OR",):
        right, tokens = _conjunction(tokens[1:])
        left = ("OR", left, right)
    return left, tokens


def _conjunction(tokens):
    left, tokens = _term(tokens)
    while tokens and tokens[0] == ("AND",):
        right, tokens = _term(tokens[1:])
        left = ("AND", left, right)
    return left, tokens


def _term(tokens):
    if not tokens:
        raise BadRule("the rule ends where an alarm was expected")
    head, *rest = tokens
    if head == ("NOT",):
        inner, rest = _term(rest)
        return ("NOT", inner), rest
    if head == ("(",):
        inner, rest = _expression(rest)
        if not rest or rest[0] != (")",):
            raise BadRule("a bracket is not closed")
        return inner, rest[1:]
    if len(head) == 2 or head in (("TRUE",), ("FALSE",)):
        return head, rest
    raise BadRule(f"{_shown(head)} stands where an alarm was expected")


def _shown(token):
    return f'{token[0]}("{token[1]}")' if len(token) == 2 else token[0]
