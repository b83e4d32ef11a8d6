from datetime import timedelta

from django.core.management.base import CommandError
from django.utils import timezone

from alarms.apply.history import events, fetch_state_changes
from alarms.management.base import AlarmCommand, add_set, chosen_sets


class Command(AlarmCommand):
    help = "What happened to alarms, newest first; CloudWatch's history is fetched and kept."
    trouble = "The history cannot be read: "
    nothing = "Nothing happened."

    def add_arguments(self, parser):
        parser.add_argument("alarm", nargs="?", help="Only this one.")
        add_set(parser)
        parser.add_argument("--days", type=int, default=14)
        parser.add_argument("--limit", type=int, default=200)
        parser.add_argument("--offline", action="store_true", help="Only what is kept here.")

    def run(self, alarm, set_name, days, limit, offline, **options):
        if not 1 <= limit <= 10_000 or not 1 <= days <= 3650:
            raise CommandError("--limit is 1 to 10000, --days 1 to 3650.")
        sets = chosen_sets(set_name)
        fetched = 0 if offline else sum(fetch_state_changes(found) for found in sets)
        since = timezone.now() - timedelta(days=days)
        found = events(sets[0] if set_name else None, alarm, since, limit=limit)
        return {"fetched": fetched, "events": [{**e, "at": e["at"].isoformat()} for e in found]}, False

    def lines(self, document):
        for event in document["events"]:
            yield f"{event['at'][:19]}  {event['alarm']}  {event['what']}  {event['who']}"
