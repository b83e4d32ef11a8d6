"""A plan as terminals and pages show it."""

from collections.abc import Iterator
from typing import Any

from alarms.cloudwatch.plan import CREATE, DELETE

SIGNS = {CREATE: "+", DELETE: "-"}


def lines(planned: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of what `Planned.as_json` returns."""
    yield f"Alarm set {planned['set']} (prefix {planned['prefix']})"
    for problem in planned["problems"]:
        yield f"  ! {problem['alarm'] or planned['set']}: {problem['message']}"
    if planned["problems"]:
        return
    for change in planned["changes"]:
        why = f"   ({change['why']})" if change["why"] else ""
        yield f"  {SIGNS.get(change['verb'], '~')} {change['subject']} {change['name']}{why}"
        for field, old, new in change["fields"]:
            yield f"      {field}: {shown(old)} -> {shown(new)}"
    for note in planned["notes"]:
        yield f"  . {note}"
    for name in planned["unmanaged"]:
        yield f"  ? {name} is in no configuration; --prune deletes it"
    yield f"  {summary(planned)}"


def summary(planned: dict[str, Any]) -> str:
    cost = planned["cost"]
    if not planned["changes"]:
        return f"Nothing to change. ${cost['after']:.2f} a month on CloudWatch."
    counts = f"{planned['create']} to create, {planned['update']} to update, {planned['delete']} to delete"
    return f"{counts}. ${cost['after']:.2f} a month on CloudWatch ({cost['change']:+.2f})."


def shown(value: object) -> str:
    match value:
        case None:
            return "(not set)"
        case list():
            return ", ".join(map(shown, value))
        case dict():
            return " ".join(f"{name}={shown(part)}" for name, part in value.items())
        case _:
            return str(value)
