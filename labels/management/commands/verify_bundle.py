from contextlib import closing

from django.core.management.base import CommandError

from labels.archives import verify
from photomgr.json_command import JsonCommand, printable


class Command(JsonCommand):
    help = "Check archives, or all parts of a download together, with the manifest that lies in them."

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE")

    def run(self, files, **options):
        archives, found = [], []
        for file in files:
            # One that cannot be read says nothing about the others, and they are what is left.
            try:
                with closing(verify.Archive(file)) as archive:
                    for _ in self.progress(archive.check(), len(archive), "files"):
                        pass
            except verify.NotAnArchive as reason:
                found.append((file, "", str(reason)))
            else:
                archives.append(archive)
        if not archives:
            raise CommandError("; ".join(f"{file}: {reason}" for file, _, reason in found) + ".")
        found += [(archive.path.name, *finding) for archive in archives for finding in archive.findings]
        found += verify.across(archives)
        missing = [reason for archive in archives for reason in archive.missing]
        document = {
            "files": len(archives),
            "photos": sum(len(archive.photos) for archive in archives),
            "missing": [{"name": name, "reason": reason} for name, reason in missing],
            "findings": [{"file": file, "name": name, "problem": problem} for file, name, problem in found],
        }
        return document, bool(found or missing)

    def as_text(self, document):
        lines = [f"missing: {photo['name']}: {photo['reason']}" for photo in document["missing"]]
        lines += [": ".join(filter(None, finding.values())) for finding in document["findings"]]
        lines.append(f"{document['photos']} photos are as the manifest says.")
        if document["missing"]:
            lines.append(f"{len(document['missing'])} could not be read when the archive was built.")
        if document["findings"]:
            lines.append(f"{len(document['findings'])} findings")
        return "\n".join(map(printable, lines))
