import json
from pathlib import Path

from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from alarms.backends import BackendError, backend_for
from alarms.config.configuration import overlaps
from alarms.config.importing import BadDocument, from_backend, from_document
from alarms.management.sets import who
from alarms.models import AlarmSet, Run
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Take alarms that exist under a prefix, or stand in an exported file, into the configuration."

    def add_arguments(self, parser):
        parser.add_argument("file", nargs="?", help="A document of alarms_export --to json.")
        parser.add_argument("--prefix", help="Alarms whose names begin with it.")
        parser.add_argument("--set", dest="set_name", help="The set they become; made when there is none.")
        parser.add_argument("--region", default="", help="Of a set that is made.")
        parser.add_argument("--tags", action="store_true", help="Read tags as well: one call an alarm.")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would come in.")

    def run(self, file, prefix, set_name, region, tags, dry_run, **options):
        if bool(file) == bool(prefix):
            raise CommandError("Give a file, or --prefix to read alarms that exist.")
        document = _read(file) if file else {"set": {"prefix": prefix, "region": region}}
        try:
            with transaction.atomic():
                alarm_set = _set(set_name, document.get("set") or {})
                found = (
                    from_document(alarm_set, document)
                    if file
                    else from_backend(alarm_set, backend_for(alarm_set.region), tags)
                )
                if dry_run:
                    transaction.set_rollback(True)
                else:
                    _sign(alarm_set)
        except BadDocument as bad:
            raise CommandError(str(bad)) from bad
        except BackendError as error:
            raise CommandError(f"The alarms cannot be read: {error}") from error
        return {"set": alarm_set.name, "dry_run": dry_run, **found.as_json()}, bool(found.refused)

    def as_text(self, document):
        words = ("created", "updated", "unchanged", "refused", "unmanaged", "detectors")
        lines = [f"{document['set']}: " + ", ".join(f"{len(document[word])} {word}" for word in words)]
        lines += [f"  ! {problem['alarm']}: {problem['message']}" for problem in document["refused"]]
        lines += [f"  . {name} is of a kind that is not managed here" for name in document["unmanaged"]]
        return "\n".join(lines)


def _read(path):
    try:
        document = json.loads(Path(path).read_text())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CommandError(f"{path} is no JSON: {error}.") from error
    if not isinstance(document, dict):
        raise CommandError(f"{path} is no export of alarms.")
    return document


def _set(name, given):
    """Return the set that is named, or that has the prefix, or a new one."""
    prefix, region = given.get("prefix", ""), given.get("region", "")
    named = (
        AlarmSet.objects.filter(name=name) if name else AlarmSet.objects.filter(prefix=prefix, region=region)
    )
    if found := named.first():
        if prefix and found.prefix != prefix:
            raise CommandError(f"The set {found.name} has the prefix {found.prefix!r}, not {prefix!r}.")
        return found
    if not prefix:
        raise CommandError("A new set needs a prefix.")
    known = {field: given[field] for field in ("owner", "false_alarms_per_week") if field in given}
    made = AlarmSet(
        name=name or given.get("name") or slugify(prefix) or "alarms", prefix=prefix, region=region, **known
    )
    if AlarmSet.objects.filter(name=made.name).exists():
        raise CommandError(f"There is a set {made.name!r} already; name another with --set.")
    if problems := overlaps(made):
        raise CommandError(str(problems[0]))
    made.save()
    return made


def _sign(alarm_set):
    Run.objects.create(
        kind=Run.Kind.IMPORT,
        alarm_set=alarm_set,
        set_name=alarm_set.name,
        backend=backend_for(alarm_set.region).name,
        who=who(),
        outcome=Run.Outcome.DONE,
        finished_at=timezone.now(),
    )
