from alarms.apply.prepare import plan_for
from alarms.backends import backend_for
from alarms.cloudwatch.plan_text import lines
from alarms.config.thresholds import refresh_thresholds
from alarms.management.base import AlarmCommand, add_plan_options, chosen_sets
from photomgr.json_command import FINDINGS


class Command(AlarmCommand):
    help = (
        "Show what alarms_apply would change. Exit 1 when the configuration has problems; with "
        "--detailed-exitcode, 2 when there are changes."
    )
    nothing = "There are no alarm sets."

    def add_arguments(self, parser):
        add_plan_options(parser)
        parser.add_argument("--detailed-exitcode", action="store_true", help="Exit 2 when there are changes.")
        parser.add_argument("--refresh", action="store_true", help="First compute thresholds with a rule.")

    def run(self, set_name, detailed_exitcode, prune, tags, refresh, **options):
        plans = [_plan(found, prune, tags, refresh) for found in chosen_sets(set_name)]
        changes = sum(len(plan.get("changes", ())) for plan in plans)
        document = {"sets": plans, "changes": changes}
        if any(plan["problems"] for plan in plans):
            return document, 1
        return document, FINDINGS if changes and detailed_exitcode else 0

    def lines(self, document):
        return (line for plan in document["sets"] for line in lines(plan))


def _plan(alarm_set, prune, tags, with_refresh):
    failed = refresh_thresholds(alarm_set, backend_for(alarm_set.region))[1] if with_refresh else []
    planned = plan_for(alarm_set, prune, tags).as_json()
    if failed and "notes" in planned:
        planned["notes"] += [f"{alarm.name}: {why}" for alarm, why in failed]
    return planned
