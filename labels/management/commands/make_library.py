import time
from itertools import count

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from labels.maintenance.made_library import CHUNK, make_chunk
from labels.models.photo import originals
from photomgr.json_command import JsonCommand


class Command(JsonCommand):
    help = "Make accounts with photos that are made up, to see how a large library behaves."

    def add_arguments(self, parser):
        parser.add_argument("--photos", type=int, default=100_000, help="Of each account.")
        parser.add_argument("--labels", type=int, default=1000, help="Different ones; a photo shows ten.")
        parser.add_argument("--owners", type=int, default=1, help="Accounts to make: library-1 and so on.")
        parser.add_argument(
            "--bytes", type=int, default=0, help="Of each original, sparse; tiny JPEGs if not given."
        )
        parser.add_argument("--no-files", action="store_true", help="Rows alone; nothing can be downloaded.")

    def run(self, photos, labels, owners, no_files, **options):
        if photos < 1 or owners < 1 or not 1 <= labels <= 100_000 or options["bytes"] < 0:
            raise CommandError("Photos, labels (at most 100,000) and owners are 1 or more.")
        if not no_files:
            _check_storage()
        began, made = time.monotonic(), []
        starts = [(number, start) for number in range(owners) for start in range(0, photos, CHUNK)]
        for number, start in self.progress(starts, len(starts), "chunks"):
            if number == len(made):
                made.append(_account())
            numbers = range(start, min(start + CHUNK, photos))
            make_chunk(made[number], numbers, labels, not no_files, options["bytes"])
        seconds = time.monotonic() - began
        return {
            "accounts": [owner.get_username() for owner in made],
            "photos": photos * owners,
            "seconds": round(seconds, 1),
            "seconds_per_100_000": round(100_000 * seconds / (photos * owners), 1),
        }, False

    def lines(self, document):
        yield f"{document['photos']:,} photos in {', '.join(document['accounts'])}"
        yield f"{document['seconds']} s, {document['seconds_per_100_000']} s per 100,000"
        yield "manage.py changepassword gives an account a password."


def _account():
    accounts = get_user_model()
    names = (f"library-{number}" for number in count(1))
    name = next(name for name in names if not accounts.objects.filter(username=name).exists())
    return accounts.objects.create_user(name)


def _check_storage():
    try:
        originals().path("x")
    except NotImplementedError:
        raise CommandError("Files are made in a folder only; with PHOTOS_BUCKET add --no-files.") from None
