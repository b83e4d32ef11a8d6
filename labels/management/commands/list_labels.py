from labels.models import LabelCount
from photomgr.json_command import JsonCommand, find_owner


class Command(JsonCommand):
    help = "List one account's labels with the number of photos that show each."

    def add_arguments(self, parser):
        parser.add_argument("--owner", required=True)

    def run(self, owner, **options):
        counts = LabelCount.objects.filter(owner=find_owner(owner), count__gt=0).select_related("label")
        rows = counts.order_by("-count", "label__key")
        return {"labels": {row.label.name: {"count": row.count} for row in rows}}, False

    def as_text(self, document):
        labels = document["labels"]
        return "\n".join(f"{row['count']:>8,}  {name}" for name, row in labels.items()) or "No labels yet."
