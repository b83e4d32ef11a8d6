"""Somebody with an account and a browser window, and what the database knows about the account."""

import email
import hashlib
import io
import itertools
import re
import zipfile
from email import policy
from pathlib import Path

from tests.live.accounts import PASSWORD, make_account
from tests.live.processes import wait_for

_LABELS = """
    SELECT photo.sha256, label.name FROM labels_photo photo
    JOIN labels_photolabel link ON link.photo_id = photo.id AND link.status IN ('active', 'confirmed')
    JOIN labels_label label ON label.id = link.label_id
    WHERE photo.owner_id = ?
"""
_numbers = itertools.count(1)


class Person:
    """Each has an account of their own, so that no test sees what another one uploaded."""

    def __init__(self, site, browser, name=None, staff=False, **options):
        self.site = site
        self.installation = site.installation
        self.name = name or f"dan{next(_numbers)}"
        self.pk, self._session = make_account(self.installation, self.name, staff)
        self.complaints = []
        # Answers that a page is meant to get, such as the 404 of the page "nothing here".
        self.expected = []
        self.context = browser.new_context(base_url=site.url, accept_downloads=True, **options)
        self.context.set_default_timeout(30_000)
        self.page = self.open_tab()

    def open_tab(self):
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message))
        return page

    def _hear(self, page, message):
        known = any(re.search(pattern, message.text) for pattern in self.expected)
        if message.type in ("error", "warning") and not known:
            self.complaints.append(f"{page.url}: {message.text}")

    def be_signed_in(self):
        """Use the session that came with the account: for all that is not about signing in."""
        cookie = {"name": "sessionid", "value": self._session, "url": self.site.url}
        self.context.add_cookies([cookie])

    def sign_in(self, page=None):
        """Sign in as people do, by the page."""
        page = page or self.page
        page.goto("/accounts/login/")
        page.fill("[name=username]", self.name)
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.wait_for_url(self.site.url + "/")

    def rows(self, query, *values):
        return self.installation.rows(query, *values)

    def value(self, query, *values):
        return self.installation.value(query, *values)

    def import_folder(self, folder):
        return self.installation.json("import_photos", str(folder), "--owner", self.name)

    def photos(self):
        """Return the SHA-256 of every photo in the library."""
        return {row[0] for row in self.rows("SELECT sha256 FROM labels_photo WHERE owner_id = ?", self.pk)}

    def labels(self):
        """Return {label: the SHA-256 of each photo that shows it}, joined here and not by the product."""
        found = {}
        for sha256, name in self.rows(_LABELS, self.pk):
            found.setdefault(name, set()).add(sha256)
        return found

    def wait_until_labelled(self, seconds=120):
        left = "SELECT count(*) FROM labels_photo WHERE owner_id = ? AND status != 'labelled'"
        wait_for(lambda: not self.value(left, self.pk), "every photo is labelled", seconds, self.site.printed)

    def mails(self):
        """Return [(path, message)] of the mails to this person."""
        found = []
        for path in sorted((self.installation.folder / "mail").glob("*.eml")):
            message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
            if message["To"] == f"{self.name}@example.com":
                found.append((path, message))
        return found


def link_in(message):
    """Return the link that stands alone on a line of a mail's plain text."""
    [link] = re.findall(r"^(http\S+)\s*$", message.get_body(["plain"]).get_content(), re.MULTILINE)
    return link


def sums(*paths):
    return {hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths}


def unzipped(download):
    """Return {name: SHA-256} of the photos in a downloaded archive, which is whole and has its manifest."""
    with zipfile.ZipFile(io.BytesIO(Path(download.path()).read_bytes())) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[-2:] == ["manifest.csv", "SHA256SUMS"]
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in names[:-2]}
