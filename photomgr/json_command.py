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
        parser.error = self._usage_error(parser)
        return parser

    def _usage_error(self, parser):
        def error(message):
            if not self._called_from_command_line:
                raise CommandError(f"Error: {message}")
            parser.print_usage(sys.stderr)
            parser.exit(1, f"{parser.prog}: error: {message}\n")

        return error


class JsonCommand(StrictCommand):
    """0 = done, 1 = usage or unexpected error, 2 = done with findings.

    Subclasses implement `run(**options)` and return (document, whether there are findings), or a code of
    their own in its place; `as_text(document)` is for people.
    """

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
        return "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in document.items())

    def progress(self, items, total, unit):
        """Return the items with a progress bar on a terminal, and with none in a pipe."""
        return tqdm(items, total=total, unit=f" {unit}", file=sys.stderr, disable=None)


def find_owner(username):
    """Return the account; raise CommandError naming it and what to do."""
    try:
        return get_user_model().objects.get_by_natural_key(username)
    except get_user_model().DoesNotExist:
        raise CommandError(
            f"There is no account {username!r}. Make one in the admin or with manage.py createsuperuser."
        ) from None
