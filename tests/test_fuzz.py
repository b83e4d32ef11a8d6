"""No address and no field of a form gives an error of ours, whatever is in it.

Addresses come from the URLconf, fields from the pages themselves and from what the views read, so that a new
one cannot be forgotten. The long form tries every value in every field.
"""

import random
import re
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.urls import URLPattern, get_resolver

from labels.models import Bundle, DirectUpload, Notice, Photo, SavedSelection
from tests.alarms import factory as alarms
from tests.matrix import seeds
from tests.one_of_each import make_rows

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[1]
NUL = "\0"
HOSTILE = [
    *("", " ", "0", "-1", "2147483648", "9223372036854775808", "9" * 40, "1e400", "nan", "٣", "1.5"),
    *("None", "True", "[]", "[1", '{"a": 1}', "a,b,,", "1-", "%", "%s %(x)s {0}", "'\";--", "<script>", "\\"),
    *("../../etc/passwd", "https://evil.example/", "\r\nSet-Cookie: a=b", "\u202e\u0301\U0001f600", "\ufffe"),
    *("2026-02-30", "0001-01-01", "9999-12-31T23:59:59+14:00", "99999-01-01", "24:61", "x" * 5000),
]
# Of the admin, which is Django's but for its filters; the long form has all.
PAGES_IN_GATE = 40
FIELDS_IN_GATE = 100
# `query` is either of the two in views that take both.
_READ = re.compile(r"""(?:GET|POST|query)(?:\.get|\.getlist)?[(\[]"(\w+)"|getlist\("(\w+)"\)""")


class _Page(HTMLParser):
    """Collects {(method, path): {field: value}} of the links and forms of a page."""

    def __init__(self, path, html):
        super().__init__()
        self.path, self.found, self._form = path, {}, None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        has = dict(attributes)
        for name in ("href", "hx-get", "formaction"):
            if (link := has.get(name)) and "?" in link:
                self._add("get", link, parse_qsl(urlsplit(link).query, keep_blank_values=True))
        if tag == "form":
            self._form = has.get("method", "get").lower(), has.get("action") or self.path
            self._add(*self._form, [])
        elif "admin-autocomplete" in has.get("class", ""):
            # Django 5.2 shows no form again in which such a field holds no number.
            return
        elif tag in ("input", "select", "textarea", "button") and has.get("name") and self._form:
            self._add(*self._form, [(has["name"], has.get("value") or "")])

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None

    def _add(self, method, link, fields):
        address = urlsplit(urljoin(self.path, link))
        if not address.netloc:
            self.found.setdefault((method, address.path), {}).update(fields)


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    dan.user_permissions.set(Permission.objects.all())
    return client


@pytest.fixture
def ids(dan, commits):
    """Return the id of an object that each parameter of a URL may name."""
    make_rows(dan, commits)
    static = alarms.static(alarms.alarm_set(), alarms.metric())
    found = {
        "photo": Photo,
        "bundle": Bundle,
        "notice": Notice,
        "saved": SavedSelection,
        "direct": DirectUpload,
    }
    return {name: model.objects.first().pk for name, model in found.items()} | {"alarm": static.pk}


def _paths(ids, entries=None, before=""):
    """Yield the path of every URL, with an object that is there and with numbers that none has."""
    for entry in entries or get_resolver().url_patterns:
        route = before + _route(entry)
        if not isinstance(entry, URLPattern):
            yield from _paths(ids, entry.url_patterns, route)
            continue
        word = (entry.name or "").split("_")[0]
        for number in (ids.get(word, 1), 2**63):
            yield "/" + re.sub(r"<(\w+:)?\w+>", str(number), route)


def _route(entry):
    return str(entry.pattern).removesuffix(r"\Z").strip("^$") if "?P<" not in str(entry.pattern) else "x/"


def _names_that_views_read():
    sources = (path.read_text() for app in ("labels", "alarms") for path in (ROOT / app).rglob("*.py"))
    return sorted({one or other for source in sources for one, other in _READ.findall(source)})


class _Asker:
    """Sends requests as staff, each undone, and keeps what went wrong."""

    def __init__(self, client):
        client.raise_request_exception = False
        self._client, self._cookies = client, client.cookies.output(header="", sep=";")
        self.count, self.wrong = 0, []

    def ask(self, method, path, fields, refused=False):
        self._client.cookies = SimpleCookie(self._cookies)
        with transaction.atomic():
            answer = getattr(self._client, method)(path, fields)
            transaction.set_rollback(True)
        self.count += 1
        shown = {name: value[:60] for name, value in fields.items() if "csrf" not in name}
        if answer.streaming:
            # Once it is read, it is closed as the client does it.
            b"".join(answer.streaming_content)
        # 503 is what a probe says while no worker was seen.
        if answer.status_code >= 500 and not path.endswith("readyz"):
            self.wrong.append((method, path, shown, repr(getattr(answer, "exc_info", None))[:300]))
        elif refused and answer.status_code != 400:
            self.wrong.append((method, path, shown, f"{answer.status_code} instead of 400"))
        return answer


def _crawl(asker, paths):
    """Return {(method, path): {field: value}} of everything that the pages offer."""
    found = {}
    for path in paths:
        found.setdefault(("get", path), {})
        answer = asker.ask("get", path, {})
        if not path.startswith("/admin/"):
            asker.ask("post", path, {})
        if not answer.streaming and answer.headers.get("Content-Type", "").startswith("text/html"):
            for request, fields in _Page(path, answer.content.decode()).found.items():
                found.setdefault(request, {}).update(fields)
    return found


@pytest.mark.parametrize("seed", seeds(3))
def test_nothing_in_an_address_or_a_form_is_an_error_of_ours(staff, ids, seed, pytestconfig):
    asker, rng = _Asker(staff), random.Random(seed)
    everything = bool(seed)
    paths = sorted(set(_paths(ids)))
    assert len(paths) > 300
    if not everything:
        # Filters are on the lists: /admin/labels/photo/.
        admin = [path for path in paths if path.startswith("/admin/") and path.count("/") > 4]
        paths = sorted({*paths} - {*admin} | {*rng.sample(admin, PAGES_IN_GATE)})
    found = _crawl(asker, paths)
    fields = [(*request, of, name) for request, of in sorted(found.items()) for name in sorted(of)]
    assert len(fields) > 150

    for method, path, of, name in fields:
        asker.ask(method, path, of | {name: NUL}, refused=True)
    for method, path, of, name in fields if everything else rng.sample(fields, FIELDS_IN_GATE):
        for value in HOSTILE if everything else rng.sample(HOSTILE, 1):
            asker.ask(method, path, of | {name: value})
    names = _names_that_views_read()
    assert {"find", "after", "before", "label", "name"} <= set(names)
    for path in (path for path in paths if not path.startswith("/admin/")):
        for method in ("get", "post"):
            asker.ask(method, path, dict.fromkeys(names, rng.choice(HOSTILE)))

    assert not asker.wrong, f"seed {seed}, {len(asker.wrong)} of {asker.count}: {asker.wrong}"
    print(asker.count, "requests")
