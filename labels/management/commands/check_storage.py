from labels import storage_check
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Compare the rows with the files: missing, changed, left over."

    def add_arguments(self, parser):
        parser.add_argument(
            "--repair",
            action="store_true",
            help="Remove what is left over, make lost renditions again, mark photos whose original is gone.",
        )
        parser.add_argument("--checksums", action="store_true", help="Read every original and compare it.")

    def run(self, repair, checksums, **options):
        findings = list(storage_check.find(checksums))
        if repair:
            for finding in self.progress(findings, len(findings), "findings"):
                storage_check.repair(finding)
        rows = [{"kind": f.kind, "storage": f.storage, "key": f.key, "detail": f.detail} for f in findings]
        return {"findings": rows, "repaired": len(rows) if repair else 0}, bool(rows)

    def as_text(self, document):
        lines = [
            f"{row['kind']}: {row['storage']}/{row['key']} {row['detail']}" for row in document["findings"]
        ]
        lines.append(f"{len(lines)} findings" if lines else "Rows and files agree.")
        return "\n".join(lines)
