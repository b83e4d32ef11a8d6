"""Every page in a real browser: accessible, within its policy, never wider than the screen.

`make pictures` photographs each at 1280 and 360 px, light and dark, into tests/screenshots/.
"""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from PIL import Image
from playwright.sync_api import expect

from photomgr.claim import LONGEST_WAIT
from tests.live import landscapes
from tests.live.person import Person
from tests.live.processes import ROOT
from tests.matrix import first_in_gate

pytestmark = pytest.mark.browser

WIDTHS = {1280: 860, 360: 740}
# The narrow one has the layout of small screens, the dark one other colours.
LOOKS = first_in_gate((1280, "light"), (360, "light"), (1280, "dark"))
_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")


_REQUEST = """
import json
from django.contrib.auth.models import User
from labels.bundles.request import request_bundle
from labels.selection.predicate import Selection
dan = User.objects.get(username={name!r})
print(json.dumps([request_bundle(dan, Selection(any=(label,))).pk for label in {labels!r}]))
"""


class Gallery:
    """A library with photos in every state and downloads in every state, and one without anything."""

    def __init__(self, site, chromium, folder):
        self.dan = Person(site, chromium, staff=True)
        self.newcomer = Person(site, chromium)
        self.stranger = Person(site, chromium)
        for number in range(30):
            taken = f"2024:{1 + number % 6:02}:{1 + number % 28:02} 12:00:00" if number % 7 else None
            (folder / f"DRAWN_{number:04}.JPG").write_bytes(landscapes.jpeg(number, (360, 240), taken))
        self.dan.import_folder(folder)
        self.dan.wait_until_labelled()
        self.dan.be_signed_in()
        self.newcomer.be_signed_in()
        # The sweep takes anything farther ahead for the fault of a clock.
        self.later = f"{datetime.now(UTC) + LONGEST_WAIT - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"
        labels = self.dan.labels()
        self.labels = sorted(labels, key=lambda name: (len(labels[name]) == 30, -len(labels[name]), name))
        self.label, self.other, self.everywhere = self.labels[0], self.labels[3], self.labels[-1]
        self.photo, self.failed, self.waiting = self._photos()
        self.bundles = self._downloads()
        self.shared = self._shared()

    def _photos(self):
        ids = [row[0] for row in self.dan.rows("SELECT id FROM labels_photo WHERE owner_id = ?", self.dan.pk)]
        self.dan.rows(
            "UPDATE labels_photo SET status = 'failed', failure_code = 'damaged', failure_reason = ?"
            " WHERE id = ?",
            "The file in storage is damaged and cannot be read.",
            ids[3],
        )
        self.dan.rows(
            "UPDATE labels_photo SET status = 'pending', next_attempt_at = ? WHERE id = ?", self.later, ids[4]
        )
        return ids[0], ids[3], ids[4]

    def _shared(self):
        page = self.dan.page
        page.goto(f"/bundles/{self.bundles['ready']}/")
        page.click(".sharing button.button")
        return urlsplit(page.input_value(".sharing .link")).path

    def _downloads(self):
        states = ("expired", "cancelled", "failed", "queued", "building", "partial", "ready")
        # Each with another label: the same download is not made twice.
        wanted = list(zip(states, self.labels, strict=False))
        code = _REQUEST.format(name=self.dan.name, labels=[label for _, label in wanted])
        printed = self.dan.installation.manage("shell", "-v", "0", "-c", code)
        found = dict(zip(states, json.loads(printed), strict=True))
        sent = (
            "SELECT count(*) FROM labels_delivery d JOIN labels_notice n ON n.id = d.notice_id"
            " WHERE d.status = 'sent' AND n.bundle_id IN ({})"
        )
        ids = ", ".join(map(str, found.values()))
        self.dan.installation.wait_for(
            lambda: self.dan.value(sent.format(ids)) == 7, "seven downloads ended in seven mails", 120
        )
        for status, pk in found.items():
            self.dan.rows("UPDATE labels_bundle SET status = ? WHERE id = ?", status, pk)
        self.dan.rows(
            "UPDATE labels_bundle SET lease_owner = 'test', lease_until = ?, next_attempt_at = ?,"
            " finished_at = NULL, photos_done = 0, bytes_done = 0"
            " WHERE status IN ('queued', 'building')",
            self.later,
            self.later,
        )
        self.dan.rows(
            "UPDATE labels_bundle SET photos_done = photo_count / 3, bytes_done = planned_bytes / 3"
            " WHERE status = 'building'"
        )
        ended = "SELECT id FROM labels_bundle WHERE status IN ('queued', 'building', 'cancelled')"
        notices = f"SELECT id FROM labels_notice WHERE bundle_id IN ({ended})"  # noqa: S608 (constants)
        self.dan.rows(f"DELETE FROM labels_delivery WHERE notice_id IN ({notices})")  # noqa: S608 (names of ours)
        self.dan.rows(f"DELETE FROM labels_notice WHERE bundle_id IN ({ended})")  # noqa: S608 (names of ours)
        reason = "The server's disk ran full. Choose fewer photos, or ask your administrator to make room."
        self.dan.rows("UPDATE labels_bundle SET failure_reason = ? WHERE status = 'failed'", reason)
        self.dan.rows(
            "UPDATE labels_bundlephoto SET missing_reason = 'the file is no longer in storage'"
            " WHERE position = 1 AND bundle_id = ?",
            found["partial"],
        )
        self.dan.rows("UPDATE labels_bundle SET photos_done = photo_count - 1 WHERE status = 'partial'")
        self.dan.rows(
            "UPDATE labels_notice SET seen_at = NULL, outcome = 'partial' WHERE bundle_id = ?",
            found["partial"],
        )
        return found


@pytest.fixture(scope="module")
def gallery(site, chromium, tmp_path_factory):
    made = Gallery(site, chromium, tmp_path_factory.mktemp("gallery"))
    yield made
    for someone in (made.dan, made.newcomer, made.stranger):
        someone.context.close()


def _filled_upload(page, gallery):
    folder = Path(gallery.dan.installation.folder)
    words = folder / "letter.jpg"
    words.write_text("no photo")
    new = folder / "new.jpg"
    new.write_bytes(landscapes.jpeg(900, (240, 160)))
    twin = folder / "a photo with a long name that must be cut, or it pushes the page apart.jpg"
    twin.write_bytes(landscapes.jpeg(901, (240, 160)))
    page.set_input_files("#id_photos", [new, words, twin])
    expect(page.locator("#see-labels")).to_be_visible()


def _open_why(page, gallery):
    page.locator("details.why summary").first.click()
    expect(page.locator("details.why li").first).to_be_visible()


def _mark_wrong(page, gallery):
    page.locator(".pick-wrong .card").nth(1).click()


def _open_menu(page, gallery):
    page.click(".menu summary")


def _wrong_password(page, gallery):
    page.fill("[name=username]", "nobody")
    page.fill("[name=password]", "wrong")
    page.click("main button")
    expect(page.locator("[role=alert]")).to_be_visible()


def _set_up_phone(page, gallery):
    page.get_by_role("button", name="Set it up").or_(page.locator("img.qr")).first.click()
    expect(page.locator("img.qr")).to_be_visible()


# name: (whose window, the address, what is done there)
PAGES = {
    "photos-empty": ("newcomer", "/", None),
    "photos": ("dan", "/", None),
    "photos-menu": ("dan", "/", _open_menu),
    "photos-selection": ("dan", "/?label={g.label}", None),
    "photos-no-match": ("dan", "/?label=Nothing", None),
    "upload": ("newcomer", "/upload/", None),
    "upload-done": ("stranger-in", "/upload/", _filled_upload),
    "labels-empty": ("newcomer", "/labels/", None),
    "labels": ("dan", "/labels/", None),
    "labels-ticked": ("dan", "/labels/?label={g.label}&none={g.other}", None),
    "labels-no-match": ("dan", "/labels/?label={g.label}&none={g.everywhere}", None),
    "photo": ("dan", "/photos/{g.photo}/", _open_why),
    "photo-failed": ("dan", "/photos/{g.failed}/", None),
    "photo-waiting": ("dan", "/photos/{g.waiting}/", None),
    "photo-delete": ("dan", "/photos/{g.photo}/delete/", None),
    "review": ("dan", "/review/", None),
    "review-grid": ("dan", "/review/grid/?label=Building", _mark_wrong),
    "review-precision": ("dan", "/review/precision/", None),
    "changes": ("dan", "/changes/", None),
    "threshold": ("dan", "/labels/limit/?label=Building", None),
    "relabel": ("dan", "/labels/again/", None),
    "rules": ("dan", "/rules/", None),
    "bundles-empty": ("newcomer", "/bundles/", None),
    "bundles": ("dan", "/bundles/", None),
    **{
        f"bundle-{status}": ("dan", f"/bundles/{{g.bundles[{status}]}}/", None)
        for status in ("queued", "building", "ready", "partial", "failed", "cancelled", "expired")
    },
    "shared": ("stranger", "{g.shared}", None),
    "shared-gone": ("stranger", "/shared/1-no/", None),
    "status": ("dan", "/status/", None),
    "account": ("newcomer", "/account/", None),
    "second-factor": ("newcomer", "/account/second-factor/", _set_up_phone),
    "password-change": ("newcomer", "/accounts/password_change/", None),
    "login": ("stranger", "/accounts/login/", None),
    "login-wrong": ("stranger", "/accounts/login/", _wrong_password),
    "password-reset": ("stranger", "/accounts/password_reset/", None),
    "password-reset-done": ("stranger", "/accounts/password_reset/done/", None),
    "password-reset-link": ("stranger", "/accounts/reset/MQ/no-token/", None),
    "404": ("newcomer", "/no/such/page/", None),
}


def _open(gallery, name, width, scheme):
    whose, address, act = PAGES[name]
    someone = getattr(gallery, whose.removesuffix("-in"))
    if whose.endswith("-in"):
        someone.be_signed_in()
    someone.expected[:] = [r"status of 404"] if name in ("404", "shared-gone") else []
    someone.complaints.clear()
    page = someone.page
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    # Before the page is there: a later change of colours fades, and axe would measure it half-way.
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(address.format(g=gallery))
    if act:
        act(page, gallery)
    # Pictures further down are loaded when they come near.
    page.wait_for_load_state("networkidle" if "building" not in name and name != "bundles" else "load")
    return someone, page


def violations(page):
    """Return what axe has to say against the page as it is."""
    # As a debugger and not as an element of the page, which the page's policy would rightly refuse.
    page.evaluate(_AXE.read_text() + "; undefined")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: {node['html'][:200]}"
        for violation in found
        for node in violation["nodes"]
    ]


def overflows(page):
    """Return the widths of screens that the page is too wide for."""
    found = []
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(width)
    return found


# First, while no other account's downloads are in the queue: they would change the time it takes.
@pytest.mark.readme
def test_the_pictures_of_the_readme_are_made(site, chromium, tmp_path):
    dan = Person(site, chromium, "dan")
    for number in range(32):
        taken = f"2026:{8 + number // 16:02}:{1 + number % 28:02} 12:00:00"
        (tmp_path / f"DSC_{4100 + number}.JPG").write_bytes(landscapes.jpeg(number, (720, 480), taken))
    dan.import_folder(tmp_path)
    dan.wait_until_labelled()
    dan.sign_in()
    page = dan.page
    page.set_viewport_size({"width": 1280, "height": 800})
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)

    page.wait_for_load_state("networkidle")
    _shrunk(page.screenshot(), folder / "photos.png")
    page.goto("/labels/?label=Sky&label=Plant&none=Building")
    page.wait_for_load_state("networkidle")
    _shrunk(page.screenshot(), folder / "labels.png")

    dan.context.close()
    assert all(path.stat().st_size < 250_000 for path in folder.glob("*.png"))


def _shrunk(content, path):
    """Write a screenshot with a dithered palette: a third of the bytes, and hardly an eye sees it."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    palette = picture.quantize(112, kmeans=2)
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_accessible_and_fits_the_screen(gallery, photograph, name, width, scheme):
    someone, page = _open(gallery, name, width, scheme)

    found = violations(page)
    wide = overflows(page)
    photograph(page, name)
    if _ends_session(name):
        page.context.clear_cookies()

    assert found == []
    assert wide == []
    assert someone.complaints == []


def _ends_session(name):
    return PAGES[name][0].endswith("-in")


def test_a_tab_that_nobody_sees_asks_for_nothing(gallery):
    page = gallery.dan.open_tab()
    asked = []
    page.on("request", lambda request: asked.append(request.headers.get("hx-target")))
    page.clock.install()
    page.goto("/labels/")
    expect(page.locator("#live")).to_be_visible()

    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.clock.run_for(20_000)
    assert "live" not in asked
    page.evaluate("delete document.hidden")
    with page.expect_response(lambda response: response.request.headers.get("hx-target") == "live"):
        page.clock.run_for(2_000)

    page.close()
