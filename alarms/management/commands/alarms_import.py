import json
from pathlib import Path

from django.core.management.base import CommandError
from django.db import transaction
from django.utils.text import slugify

from alarms.backends import backend_for
from alarms.config.importing import BadDocument, from_backend, from_document
from alarms.management.base import AlarmCommand, save_new, who
from alarms.models import AlarmSet, Run


class Command(AlarmCommand):
    help = "Take alarms that exist under a prefix, or stand in an exported file, into the configuration."
    refusals = (BadDocument,)

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
        with transaction.atomic():
            alarm_set = _set(set_name, document.get("set") or {})
            backend = backend_for(alarm_set.region)
            found = from_document(alarm_set, document) if file else from_backend(alarm_set, backend, tags)
            if dry_run:
                transaction.set_rollback(True)
            else:
                Run.objects.record(Run.Kind.IMPORT, alarm_set, who=who())
        return {"set": alarm_set.name, "dry_run": dry_run, **found.as_json()}, bool(found.refused)

    def lines(self, document):
        words = ("created", "updated", "unchanged", "refused", "unmanaged", "detectors")
        yield f"{document['set']}: " + ", ".join(f"{len(document[word])} {word}" for word in words)
        yield from (f"  ! {problem['alarm']}: {problem['message']}" for problem in document["refused"])
        yield from (f"  . {name} is of a kind that is not managed here" for name in document["unmanaged"])


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
    prefix, region = given.get("prefix", ""), given.get("region", "")
    named = {"name": name} if name else {"prefix": prefix, "region": region}
    if found := AlarmSet.objects.filter(**named).first():
        if prefix and found.prefix != prefix:
            raise CommandError(f"The set {found.name} has the prefix {found.prefix!r}, not {prefix!r}.")
        return found
    if not prefix:
        raise CommandError("A new set needs a prefix.")
    name = name or given.get("name") or slugify(prefix) or "alarms"
    if AlarmSet.objects.filter(name=name).exists():
        raise CommandError(f"There is a set {name!r} already; name another with --set.")
    known = {field: given[field] for field in ("owner", "false_alarms_per_week") if field in given}
    return save_new(AlarmSet(name=name, prefix=prefix, region=region, **known))
