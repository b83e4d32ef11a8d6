import shlex

from django.core.management.base import CommandError
from django.db import OperationalError

from labels.intake import many, sources
from labels.intake.add import Outcome
from labels.intake.upload_handlers import says_full
from labels.storage.errors import StorageUnavailable
from photomgr.json_command import JsonCommand, find_owner, printable

# For fewer files starting processes takes longer than it saves.
_FEW = 16


class Command(JsonCommand):
    help = "Import every photo of a folder, a zip file or a bucket into one account's library."

    def add_arguments(self, parser):
        parser.add_argument(
            "source", help="A folder (with its sub-folders), a zip file, or s3://bucket/prefix."
        )
        parser.add_argument("--owner", required=True, help="The account that will own the photos.")
        parser.add_argument("--after", default="", metavar="NAME", help="Go on behind this file.")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would happen.")
        parser.add_argument(
            "--workers", type=_workers, metavar="N", help="Processes that read the photos; one for each core."
        )

    def run(self, source, owner, dry_run, after, workers, **options):
        owner = find_owner(owner)
        try:
            files = sources.find(source, after)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.verb = "would be imported" if dry_run else "imported"
        document = {"imported": 0, "duplicates": 0, "refused": []}
        seen, total = set(), len(files) if isinstance(files, list) else None
        if total is not None and total < _FEW:
            workers = 1
        adding = many.add_all(files, owner, dry_run, workers or many.default_workers())
        name = ""
        try:
            for name, finish in self.progress(adding, total, "files"):
                result = finish()
                after = name
                if result.outcome == Outcome.REFUSED:
                    document["refused"].append({"name": name, "reason": result.reason})
                # In a dry run nothing is stored by which a second copy could be found.
                elif result.outcome == Outcome.DUPLICATE or result.sha256 in seen:
                    document["duplicates"] += 1
                else:
                    document["imported"] += 1
                    seen.add(result.sha256)
        except StorageUnavailable as error:
            go_on = f" Go on with --after {shlex.quote(after)}" if after else ""
            raise CommandError(f"Stopped: {error.strerror}.{go_on}") from None
        except many.ProcessDied as error:
            raise CommandError(
                f"A process died over one of these files: {printable(str(error))}. When memory was short, "
                "run it again with fewer --workers: what is there is recognised."
            ) from None
        except (OSError, OperationalError) as error:
            if not says_full(error):
                raise
            done = document["imported"] + document["duplicates"]
            raise CommandError(
                f"The disk is full at {printable(name)}; the library holds {done} of the files before it, "
                "and nothing of this one. Make room and run it again: what is there is recognised."
            ) from None
        finally:
            # Whatever was prepared behind the last file is taken back now.
            adding.close()
        return document, bool(document["refused"])

    def as_text(self, document):
        lines = [f"{refused['name']}: {refused['reason']}" for refused in document["refused"]]
        lines.append(
            f"{document['imported']} {self.verb}, {document['duplicates']} already there, "
            f"{len(document['refused'])} refused"
        )
        return "\n".join(map(printable, lines))


def _workers(text):
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
