"""Environment variables: environment.toml declares them, `env` parses them for settings.py.

`python -m photomgr.environment` (`make docs`) writes docs/settings.md and .env.example from the same file.
"""

import os
import tomllib
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import load_dotenv
from environs import EnvError, FileAwareEnv

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
    "networks": "list of addresses, separated by commas",
    "dj_db_url": "URL",
    "log_level": "log level",
}


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

    @property
    def allowed(self):
        if self.choices:
            return " or ".join(f"`{choice}`" for choice in self.choices)
        return _TYPES[self.type] + ("" if self.minimum is None else f", at least {self.minimum}")


_GROUPS = tomllib.loads((_ROOT / "photomgr/environment.toml").read_text())
for _group in _GROUPS.values():
    _group["settings"] = [Setting(name, **fields) for name, fields in _group["settings"].items()]
SETTINGS = {setting.name: setting for group in _GROUPS.values() for setting in group["settings"]}

# NAME_FILE names a file that holds the value of NAME, as secrets of Docker and systemd come.
_env = FileAwareEnv(strip_whitespace=True)


@_env.parser_for("regions")
def _regions(text):
    """Return {Region: calls per second, None for the published quota} of "us-east-1=50,us-west-2"."""
    pairs = (item.strip().partition("=") for item in text.split(",") if item.strip())
    return {region: float(rate) if rate else None for region, _, rate in pairs}


@_env.parser_for("networks")
def _networks(text):
    """Return the addresses and networks of "127.0.0.1,10.0.0.0/8" as texts; `unix` may be among them."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    for name in found:
        if name != "unix":
            ip_network(name, strict=False)
    return found


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
    for setting in SETTINGS.values():
        if setting.type == "boto3" and f"{setting.name}_FILE" in os.environ:
            os.environ[setting.name] = env(setting.name, type="str")


def env(name, default=None, type=None):
    """Return the parsed value of a variable; EnvError names the one that cannot be parsed.

    `default` replaces the declared one where it depends on other settings, `type` the declared parser.
    """
    setting = SETTINGS[name]
    parse = getattr(_env, type or setting.type)
    if (path := os.environ.get(f"{name}_FILE")) and not _env.str(name):
        # For most secrets, empty means that a default applies.
        raise EnvError(f"{name}_FILE names {path}, and that file is empty.")
    return parse(name, setting.default if default is None else default)


def document(template):
    """Return the text of a document about all settings, from its template in photomgr/documents/."""
    from django.template import Context, Engine

    engine = Engine(dirs=[_ROOT / "photomgr/documents"])
    return engine.get_template(template).render(Context({"groups": _GROUPS}, autoescape=False))


DOCUMENTS = {_ROOT / "docs/settings.md": "settings.md", _ROOT / ".env.example": "env.example"}

if __name__ == "__main__":
    for path, template in DOCUMENTS.items():
        path.write_text(document(template))
