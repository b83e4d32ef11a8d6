from itertools import chain, count
from pathlib import Path

from django.core.management.base import CommandError
from django.db.models import F

from labels.bundles import building, sums
from labels.bundles.archive_store import archives
from labels.bundles.request import RequestRefused, request_bundle
from labels.models import Bundle, Label, SavedSelection
from labels.selection.predicate import Selection
from labels.text.names import fold
from photomgr.claim import new_lease_owner
from photomgr.json_command import JsonCommand, find_owner


class Command(JsonCommand):
    help = "Build the archives of a selection in this process."

    def add_arguments(self, parser):
        parser.add_argument("--owner", required=True)
        for operator in ("--any", "--all", "--none"):
            parser.add_argument(operator, nargs="+", action="extend", default=[], metavar="LABEL")
        parser.add_argument("--everything", action="store_true", help="The whole library.")
        # --recipe is how it was called first.
        names = ("--saved-selection", "--recipe")
        parser.add_argument(*names, metavar="NAME", help="A saved selection instead of labels.")
        parser.add_argument(
            "--new-only", action="store_true", help="Without the photos of earlier downloads of it."
        )
        parser.add_argument("--part-size", type=int, metavar="BYTES", help="The most bytes of one archive.")
        parser.add_argument("--output", metavar="DIR", help="Copy the archives there.")

    def run(self, owner, saved_selection, new_only, part_size, output, **options):
        owner = find_owner(owner)
        if saved_selection:
            saved = _saved(owner, saved_selection, options)
            selection, part_size = Selection.from_json(saved.selection), part_size or saved.part_bytes
        else:
            selection = _selection(options)
        if part_size is not None and part_size < 1:
            raise CommandError(f"--part-size is {part_size}; it must be 1 or more.")
        if output and not Path(output).is_dir():
            raise CommandError(f"--output {output} is not a folder.")
        try:
            bundle = request_bundle(owner, selection, part_size, new_only, lease_owner=new_lease_owner())
        except RequestRefused as reason:
            raise CommandError(str(reason)) from None
        building.build(bundle)
        bundle.refresh_from_db()
        if not bundle.is_downloadable:
            raise CommandError(f"{bundle} could not be built: {bundle.failure_reason or bundle.status}")
        return _document(bundle, output), bundle.status == Bundle.Status.PARTIAL

    def as_text(self, document):
        lines = [f"{part['file']}  {part['bytes']} bytes  {part['sha256']}" for part in document["parts"]]
        lines += [f"missing: {photo['name']}: {photo['reason']}" for photo in document["missing"]]
        lines.append(f"{document['status']}: {document['photos']} photos, {document['bytes']} bytes")
        return "\n".join(lines)


def _saved(owner, name, options):
    if any(options[how] for how in ("any", "all", "none", "everything")):
        raise CommandError(
            "--saved-selection says which photos; leave --any, --all, --none and --everything out."
        )
    try:
        return owner.saved_selections.get(key=fold(name))
    except SavedSelection.DoesNotExist:
        known = ", ".join(owner.saved_selections.values_list("name", flat=True)) or "none"
        raise CommandError(f"{owner} has no saved selection {name!r}; there are: {known}.") from None


def _selection(options):
    chosen = Selection(
        any=tuple(options["any"]),
        all=tuple(options["all"]),
        none=tuple(options["none"]),
        everything=options["everything"],
    )
    if chosen.is_empty:
        raise CommandError(
            "Say which photos: --any, --all or --none LABEL, --everything, or --saved-selection NAME."
        )
    names = chosen.included + chosen.none
    known = {label.key for label in Label.objects.named(names)}
    if unknown := [name for name in names if fold(name) not in known]:
        raise CommandError(f"There is no label {', '.join(unknown)}. manage.py list_labels shows all.")
    return chosen


def _free_name(folder, name):
    # Another selection of the same labels has the same name.
    names = chain([name], (f"{Path(name).stem}-{number}.zip" for number in count(2)))
    return next(path for path in map(folder.joinpath, names) if not path.exists())


def _document(bundle, output):
    parts = []
    for part in bundle.parts.all():
        file = archives().address(part.file.name)
        if output:
            file = str(_free_name(Path(output), part.file_name))
            with open(file, "wb") as copy:
                copy.writelines(archives().pieces(part.file.name))
        parts.append({"file": file, "bytes": part.size, "sha256": sums.work_out(part)})
    missing = bundle.photos.exclude(missing_reason="").order_by("position")
    return {
        "id": bundle.pk,
        "status": bundle.status,
        "photos": bundle.photos_done,
        "bytes": bundle.bytes_done,
        "parts": parts,
        "missing": list(missing.values("name", reason=F("missing_reason"))),
    }
