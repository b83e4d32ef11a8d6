"""Environment variables: environment.toml declares them, `env` parses them for settings.py.

`python -m photomgr.environment` (`make docs`) writes docs/settings.md and .env.example from the same file.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import load_dotenv
from environs import Env, EnvError

_ROOT = Path(__file__).resolve().parent.parent
_TYPES = {
    "boto3": "text",
    "str": "text",
    "int": "integer",
    "float": "number",
    "decimal": "amount",
    "bool": "true or false",
    "list": "list, separated by commas",
    "regions": "list of Region=number",
    "dj_db_url": "URL",
    "log_level": "log level",
}
_PAGES = {
    "Buckets": "buckets.md",
    "Amazon Rekognition": "rekognition.md",
    "Text messages": "deploy.md#texts-to-phones",
    "Workers": "deploy.md#running-it",
    "Alarms": "judging-alarms.md",
}
_INTRODUCTION = """# Settings

Written by `make docs` from `photomgr/environment.toml`.

A checkout runs with none of these set. They are environment variables, or lines of a file `.env` beside
`manage.py` (copy [.env.example](../.env.example)); the process environment wins over the file. A value
that cannot be parsed stops the start and names its variable. `manage.py check` reports values out of
range and settings that contradict each other.
"""
_EXAMPLE = """\
# Every setting with its default, written by `make docs`. Nothing here is needed to try photomgr.
# Copy to .env and change what you need; the process environment wins over this file.
"""


@dataclass(frozen=True)
class Setting:
    name: str
    type: str
    text: str
    default: Any = None
    minimum: int | None = None
    choices: tuple[str, ...] = ()

    @property
    def example(self):
        """The default as it is written in a .env file."""
        if isinstance(self.default, bool):
            return str(self.default).lower()
        if isinstance(self.default, list):
            return ",".join(self.default)
        return "" if self.default is None else f"{self.default}".removesuffix(".0")


_GROUPS = {
    title: [Setting(name, **fields) for name, fields in group.items()]
    for title, group in tomllib.loads((_ROOT / "photomgr/environment.toml").read_text()).items()
}
SETTINGS = {setting.name: setting for group in _GROUPS.values() for setting in group}

_env = Env()


@_env.parser_for("regions")
def _regions(text):
    """Return {Region: calls per second, None for the published quota} of "us-east-1=50,us-west-2"."""
    pairs = (item.strip().partition("=") for item in text.split(",") if item.strip())
    return {region: float(rate) if rate else None for region, _, rate in pairs}


@_env.parser_for("mail_server")
def _mail_server(url):
    """Return Django's EMAIL_* settings; beside the library's schemes smtp+tls:// (STARTTLS) and smtp+ssl://."""
    import dj_email_url

    found = dj_email_url.parse(url.replace("smtp+tls:", "submission:", 1).replace("smtp+ssl:", "smtp:", 1))
    if "EMAIL_BACKEND" not in found:
        raise EnvError("EMAIL_URL begins with none of smtp://, smtp+tls://, smtp+ssl:// and ses://.")
    if url.startswith("smtp+ssl:"):
        found |= {"EMAIL_USE_SSL": True, "EMAIL_PORT": urlsplit(url).port or 465}
    if found["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
        found["EMAIL_BACKEND"] = "photomgr.mail.SMTPBackend"
    return found


def read_file(path):
    """Add the variables of a .env file to the environment, where boto3 looks for its own."""
    load_dotenv(path)


def env(name, default=None, type=None):
    """Return the parsed value of a variable; EnvError names the one that cannot be parsed.

    `default` replaces the declared one where it depends on other settings, `type` the declared parser.
    """
    setting = SETTINGS[name]
    parse = getattr(_env, type or setting.type)
    return parse(name, setting.default if default is None else default)


def settings_page():
    return _INTRODUCTION + "".join(_section(title, group) for title, group in _GROUPS.items())


def _section(title, group):
    see = f"\nSee [{_PAGES[title]}]({_PAGES[title]}).\n" if title in _PAGES else ""
    rows = "".join(f"| `{s.name}` | {_allowed(s)} | {_code(s.example)} | {s.text} |\n" for s in group)
    return f"\n## {title}\n{see}\n| variable | type | default | meaning |\n|---|---|---|---|\n{rows}"


def _allowed(setting):
    if setting.choices:
        return " or ".join(_code(choice) for choice in setting.choices)
    least = "" if setting.minimum is None else f", at least {setting.minimum}"
    return _TYPES[setting.type] + least


def _code(text):
    return f"`{text}`" if text else ""


def example_file():
    sections = (
        f"\n# {title} {'-' * (76 - len(title))}\n"
        + "".join(f"\n# {setting.text}\n#{setting.name}={setting.example}\n" for setting in group)
        for title, group in _GROUPS.items()
    )
    return _EXAMPLE + "".join(sections)


FILES = {_ROOT / "docs/settings.md": settings_page, _ROOT / ".env.example": example_file}

if __name__ == "__main__":
    for path, content in FILES.items():
        path.write_text(content())
