import sys

from django.core.management.base import CommandError

from alarms.apply.carry_out import Invalid, Stale, apply
from alarms.apply.prepare import plan_for
from alarms.cloudwatch.plan_text import lines
from alarms.management.base import AlarmCommand, add_plan_options, chosen_sets, who
from alarms.models import Change, Run

PARTLY = 3


class Command(AlarmCommand):
    help = "Make the alarms what the configuration says. Exit 3 when some changes are left to do."
    refusals = (Stale,)
    nothing = "There are no alarm sets."

    def add_arguments(self, parser):
        add_plan_options(parser)
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument("--fingerprint", help="Of the plan you saw; refuse when it is another by now.")

    def run(self, set_name, yes, prune, tags, fingerprint, **options):
        sets = chosen_sets(set_name)
        if fingerprint and len(sets) != 1:
            raise CommandError("A fingerprint is of one set's plan: name it with --set.")
        done = [self._apply(found, yes, prune, tags, fingerprint) for found in sets]
        if any(row.get("problems") for row in done):
            return {"sets": done}, 1
        return {"sets": done}, PARTLY if any(row["left"] for row in done) else 0

    def _apply(self, alarm_set, yes, prune, tags, fingerprint):
        nothing = {"set": alarm_set.name, "outcome": Run.Outcome.DONE, "done": 0, "left": []}
        if not yes:
            fingerprint = self._confirmed(alarm_set, prune, tags)
            if fingerprint is None:
                return {**nothing, "outcome": "not applied"}
        try:
            run = apply(alarm_set, who=who(), prune=prune, tags=tags, fingerprint=fingerprint)
        except Invalid as invalid:
            problems = [problem.as_json() for problem in invalid.problems]
            return {**nothing, "outcome": "invalid", "problems": problems}
        if run is None:
            return nothing
        done = run.changes.filter(outcome=Change.Outcome.DONE).count()
        left = run.changes.exclude(outcome=Change.Outcome.DONE).values("verb", "subject", "name", "error")
        outcome = {"outcome": run.outcome, "done": done, "left": list(left)}
        return {"set": alarm_set.name, "run": run.pk, **outcome}

    def _confirmed(self, alarm_set, prune, tags):
        """Return the fingerprint of the plan a person said yes to, or None."""
        if not sys.stdin.isatty():
            raise CommandError("There is no terminal to ask on. Review alarms_plan, then pass --yes.")
        planned = plan_for(alarm_set, prune, tags)
        self.stderr.write("\n".join(lines(planned.as_json())))
        if planned.plan is None or not planned.plan.changes:
            return planned.plan.fingerprint if planned.plan else ""
        self.stderr.write("Apply? [y/N] ", ending="")
        return planned.plan.fingerprint if input().strip().lower() in ("y", "yes") else None

    def lines(self, document):
        for row in document["sets"]:
            yield f"{row['set']}: {row['outcome']}, {row['done']} changes made"
            for problem in row.get("problems", []):
                yield f"  ! {problem['alarm']}: {problem['message']}"
            for left in row["left"]:
                yield f"  left: {left['verb']} {left['subject']} {left['name']} {left['error']}".rstrip()
