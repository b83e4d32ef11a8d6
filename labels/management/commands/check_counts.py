from labels.labelling import counts
from labels.selection import summaries
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Compare the stored label counts and the photos' summaries with the labels themselves."

    def add_arguments(self, parser):
        parser.add_argument("--repair", action="store_true", help="Write the true counts.")

    def run(self, repair, **options):
        wrong = [
            {"owner": owner, "label": label, "stored": stored, "true": true}
            for owner, label, stored, true in counts.differences(repair)
        ]
        wrong += [{"owner": owner, "photo": photo} for owner, photo in summaries.differences(repair)]
        return {"differences": wrong, "repaired": len(wrong) if repair else 0}, bool(wrong)

    def as_text(self, document):
        photo = "owner {owner}, photo {photo}: its summary is not what its labels say"
        label = "owner {owner}, label {label}: stored {stored}, true {true}"
        lines = [(photo if "photo" in row else label).format(**row) for row in document["differences"]]
        found = len(lines)
        lines.append(f"{found} wrong, {document['repaired']} repaired" if found else "All counts are right.")
        return "\n".join(lines)
