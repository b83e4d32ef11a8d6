from django.core.management.base import CommandError

from alarms.config import packs
from alarms.management.base import save_new
from alarms.models import AlarmSet
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = (
        "Make the guards of a pack: photomgr's own metrics, or an S3 bucket (s3), an SQS queue (sqs), an RDS "
        "or Aurora instance (rds) named by its id. What is there already stays as it is."
    )

    def add_arguments(self, parser):
        parser.add_argument("pack", choices=packs.NAMES)
        parser.add_argument("resource", nargs="?", default="", help="Name of the bucket, queue or instance.")
        parser.add_argument("--set", dest="set_name", help="The set they belong to; made when there is none.")

    def run(self, pack, resource, set_name, **options):
        if (pack != packs.OWN) != bool(resource):
            raise CommandError("Name the bucket, queue or instance; photomgr's own pack needs no name.")
        name = set_name or pack
        alarm_set = AlarmSet.objects.filter(name=name).first()
        alarm_set = alarm_set or save_new(AlarmSet(name=name, prefix=f"{name}-"))
        guards = packs.make_guards(alarm_set, pack, resource)
        alarms = [alarm for guard in guards for alarm in guard.alarms.all()]
        on, off = (sorted(a.name for a in alarms if a.enabled == enabled) for enabled in (True, False))
        names = [guard.name for guard in guards]
        return {"set": alarm_set.name, "guards": names, "alarms": on, "off": off}, False

    def lines(self, document):
        counts = f"{len(document['guards'])} guards, {len(document['alarms'])} alarms"
        yield f"{document['set']}: {counts}. See manage.py alarms_plan --set {document['set']}"
