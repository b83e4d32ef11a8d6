from alarms.tick.evaluate import tick
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Evaluate the local backend's alarms up to the last full minute, and notify of changes."

    def run(self, **options):
        return tick(), False

    def lines(self, document):
        words = {"told": "notified"}
        return (f"{words.get(name, name)}: {value}" for name, value in document.items())
