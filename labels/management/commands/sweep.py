from labels.management.json_command import JsonCommand
from labels.sweep import sweep


class Command(JsonCommand):
    help = "Ring again for waiting work, end what cannot be done, remove expired downloads."

    def run(self, **options):
        swept = sweep()
        return swept, any(swept.values())
