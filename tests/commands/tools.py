import contextlib
import io
import json

from django.core.management import call_command


def run(command, *arguments):
    """Return (exit code, JSON document) of a command; its usage errors come as CommandError."""
    out, code = io.StringIO(), 0
    try:
        call_command(command, *map(str, arguments), "--format", "json", stdout=out)
    except SystemExit as ended:
        code = ended.code
    return code, json.loads(out.getvalue())


def printed(command, *arguments):
    """Return what a command prints for people, whatever its exit code."""
    out = io.StringIO()
    with contextlib.suppress(SystemExit):
        call_command(command, *map(str, arguments), stdout=out)
    return out.getvalue()
