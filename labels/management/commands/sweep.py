from labels.maintenance.sweep import sweep
from photomgr.json_command import JsonCommand

# The names of the steps in JSON are older than these words.
_WORDS = {
    "incoming_given_up": "direct_uploads_given_up",
    "incoming_cleared": "direct_uploads_cleared",
    "incoming_enqueued": "direct_uploads_enqueued",
    "replays_given_up": "rule_runs_given_up",
    "replays_enqueued": "rule_runs_enqueued",
    "photos_afforded": "photos_within_budget_again",
    "sums_enqueued": "checksums_enqueued",
}


class Command(JsonCommand):
    help = "Enqueue waiting work again, end what cannot be done, remove expired downloads."
    nothing = "There was nothing to do."

    def run(self, **options):
        swept = sweep()
        return swept, any(swept.values())

    def lines(self, document):
        return super().lines({_WORDS.get(name, name): count for name, count in document.items() if count})
