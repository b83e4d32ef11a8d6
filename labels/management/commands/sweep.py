from labels.maintenance.sweep import sweep
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Enqueue waiting work again, end what cannot be done, remove expired downloads."

    def run(self, **options):
        swept = sweep()
        return swept, any(swept.values())
