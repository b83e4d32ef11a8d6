from labels.maintenance import storage_check
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
        parser.add_argument("--after", default="", metavar="FOLDER", help="Go on behind this folder.")

    def run(self, repair, checksums, after, **options):
        document = {"findings": [], "repaired": 0}
        findings = storage_check.find(checksums, after)
        try:
            for found in self.progress(findings, None, "findings"):
                facts = ("kind", "storage", "key", "detail")
                document["findings"].append({fact: getattr(found, fact) for fact in facts})
                if repair:
                    storage_check.repair(found)
                    document["repaired"] += 1
        except storage_check.Stopped as stopped:
            document["stopped"] = {"reason": stopped.reason, "after": stopped.after}
        return document, bool(document["findings"] or "stopped" in document)

    def as_text(self, document):
        lines = ["{kind}: {storage}/{key} {detail}".format(**row) for row in document["findings"]]
        lines.append(f"{len(lines)} findings" if lines else "Rows and files agree.")
        if stopped := document.get("stopped"):
            lines.append(f"Stopped: {stopped['reason']}. Go on with --after {stopped['after'] or repr('')}")
        return "\n".join(lines)
