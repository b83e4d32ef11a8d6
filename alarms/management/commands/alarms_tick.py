from alarms.tick.evaluate import tick
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Evaluate the local backend's alarms up to the minute that is over; notify those who are to know."

    def run(self, **options):
        return tick(), False
