"""What the commands of all apps share: one JSON document on stdout, the rest on stderr, exit 0, 1 or 2."""

import json
import sys

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

FINDINGS = 2


class StrictCommand(BaseCommand):
    """0 = done, 1 = usage or unexpected error, which argparse would end with 2: "with findings"."""

    def create_parser(self, prog_name, subcommand, **kwargs):
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        leave = parser.exit
        parser.exit = lambda status=0, message=None: leave(min(status, 1), message)
        return parser


class JsonCommand(StrictCommand):
    """0 = done, 1 = usage or unexpected error, 2 = done with findings.

    Subclasses implement `run(**options)` and return (document, whether there are findings), or a code of
    their own in its place; `lines(document)` are for people.
    """

    nothing = ""  # what people read when there are no lines

    def create_parser(self, prog_name, subcommand, **kwargs):
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--format", choices=("text", "json"), default="text")
        return parser

    def handle(self, **options):
        document, findings = self.run(**options)
        if options["format"] == "json":
            self.stdout.write(json.dumps(document, ensure_ascii=False, indent=2))
        else:
            self.stdout.write(self.as_text(document))
        if findings:
            sys.exit(FINDINGS if findings is True else findings)

    def run(self, **options):
        raise NotImplementedError

    def as_text(self, document):
        return "\n".join(self.lines(document)) or self.nothing

    def lines(self, document):
        return (f"{name.replace('_', ' ')}: {value}" for name, value in document.items())

    def progress(self, items, total, unit):
        """Return the items with a progress bar on a terminal, and with none in a pipe."""
        return tqdm(items, total=total, unit=f" {unit}", file=sys.stderr, disable=None)


def printable(text):
    """Return the text without what would steer a terminal: names come from files of strangers."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def find_owner(username):
    try:
        return get_user_model().objects.get_by_natural_key(username)
    except get_user_model().DoesNotExist:
        raise CommandError(
            f"There is no account {username!r}. Make one in the admin or with manage.py createsuperuser."
        ) from None
