"""Text messages in a real browser and by real workers: the number, the code, the text, a kill in between."""

import os
import re
import signal
import threading

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends
from playwright.sync_api import expect

from tests.live import landscapes
from tests.live.person import Person
from tests.live.processes import Site, wait_for
from tests.live.test_pages import overflows, violations
from tests.storage.s3_server import S3Server, sns_error

pytestmark = [pytest.mark.browser, pytest.mark.worker, pytest.mark.xdist_group("texts")]

_REGION = "eu-west-1"


class Network:
    """moto's SNS, and what came out of it for each phone."""

    def __init__(self):
        self.server = S3Server()

    def texts(self, number):
        sent = sns_backends[DEFAULT_ACCOUNT_ID][_REGION].sms_messages.values()
        return [words for to, words in list(sent) if to == number]

    def code(self, number):
        return re.match(r"(\d{6}) is your photomgr code", self.texts(number)[-1])[1]

    def asked(self, number):
        """Return how often SNS was asked to send to the number, whatever it answered."""
        return len([a for a in self.server.asked if a.form.get("PhoneNumber") == number])


@pytest.fixture(scope="module")
def network():
    made = Network()
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def texting_site(network, migrated, tmp_path_factory):
    installation = migrated.copy(
        tmp_path_factory.mktemp("texting-site") / "data",
        LABELS_DETECTOR="local",
        CLAIM_LEASE_SECONDS="5",
        SMS_REGION=_REGION,
        SMS_COUNTRIES="+44",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_ENDPOINT_URL_SNS=network.server.url,
    )
    running = Site(installation)
    try:
        yield running.wait_until_ready()
        running.stop()
    finally:
        installation.end()


@pytest.fixture
def somebody(texting_site, chromium, tmp_path):
    """Return a function that makes a person with one photo, signed in; no page may complain."""
    people = []

    def make(number, **options):
        one = Person(texting_site, chromium, **options)
        people.append(one)
        folder = tmp_path / one.name
        folder.mkdir()
        (folder / "one.jpg").write_bytes(landscapes.jpeg(number, (240, 160)))
        one.import_folder(folder)
        one.wait_until_labelled()
        one.be_signed_in()
        return one

    yield make
    for one in people:
        one.context.close()
    assert [complaint for one in people for complaint in one.complaints] == []


def _tab_to(page, selector):
    target = page.locator(selector)
    for _ in range(40):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by the Tab key")


def _build(one):
    """Have a download of everything built, from the command line, by the running workers."""
    one.installation.json(
        *("build_bundle", "--owner", one.name, "--everything", "--output", str(one.installation.folder))
    )


@pytest.mark.any_database
def test_a_number_is_proved_by_keyboard_without_javascript_and_texted(network, somebody):
    number = "+447700900001"
    dan = somebody(1, java_script_enabled=False)
    page = dan.page
    page.goto("/")

    _tab_to(page, ".menu summary")
    page.keyboard.press("Enter")
    _tab_to(page, '.menu a[href="/accounts/texts/"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/texts/")
    _tab_to(page, "#id_number")
    page.keyboard.type("+44 7700 900001")
    page.keyboard.press("Enter")
    expect(page.locator("#code-head")).to_be_visible()
    _tab_to(page, "#id_code")
    page.keyboard.type(network.code(number))
    page.keyboard.press("Enter")
    expect(page.locator(".notice.success")).to_contain_text("Your number is confirmed.")

    _build(dan)
    wait_for(lambda: len(network.texts(number)) == 2, "the text came", 60, dan.installation.words)
    link = re.search(r"http\S+$", network.texts(number)[1])[0]
    page.goto(link)
    expect(page.locator("#state")).to_contain_text("Texted to +44…01")


def test_a_worker_killed_while_sns_has_the_text_sends_no_second_one(network, somebody):
    number = "+447700900002"
    dan = somebody(2)
    dan.rows(
        "INSERT INTO labels_phone (owner_id, number, wanted, verified_at, trouble)"
        " VALUES (?, ?, TRUE, ?, '')",
        *(dan.pk, number, "2026-01-01 00:00:00"),
    )
    held = threading.Event()

    def hold(moto, environ, start_response):
        held.wait(60)
        return moto(environ, start_response)

    network.server.rule = lambda asked: hold if asked.form.get("PhoneNumber") == number else None
    _build(dan)
    row = "SELECT {} FROM labels_delivery m JOIN labels_notice n ON n.id = m.notice_id"
    row += " JOIN labels_bundle b ON b.id = n.bundle_id WHERE b.owner_id = ? AND m.channel = 'sms'"
    wait_for(lambda: network.asked(number) == 1, "SNS was asked", 60, dan.installation.words)

    os.kill(int(dan.value(row.format("m.lease_owner"), dan.pk).split(":")[1]), signal.SIGKILL)
    held.set()

    def ended():
        dan.installation.manage("sweep", codes=(0, 2))
        return dan.value(row.format("m.status"), dan.pk) == "failed"

    wait_for(ended, "the sweep ended the text", 60, dan.installation.words)
    network.server.reset()
    assert dan.value(row.format("m.failure_reason"), dan.pk) == (
        "The worker stopped while it sent the message; it may or may not have gone out."
    )
    assert dan.value("SELECT status FROM labels_bundle WHERE owner_id = ?", dan.pk) == "ready"
    assert len(network.texts(number)) == 1


@pytest.mark.any_database
def test_the_page_is_accessible_and_fits_the_screen_in_every_state(network, somebody, photograph):
    number = "+447700900003"
    dan = somebody(3)
    page = dan.page

    page.goto("/accounts/texts/")
    _look(page, "texts", photograph)
    page.fill("#id_number", "07700 900003")
    page.click("text=Send me a code")
    _look(page, "texts-wrong-number", photograph)
    page.fill("#id_number", number)
    page.click("text=Send me a code")
    _look(page, "texts-code", photograph)
    page.fill("#id_code", f"{(int(network.code(number)) + 1) % 10**6:06}")
    page.click("text=Confirm the number")
    _look(page, "texts-wrong-code", photograph)
    page.fill("#id_code", network.code(number))
    page.click("text=Confirm the number")
    _look(page, "texts-on", photograph)
    page.click("text=Turn texts off")
    _look(page, "texts-off", photograph)
    page.click("text=Turn texts on")
    network.server.rule = lambda asked: (
        sns_error(400, "InvalidParameter", "no") if asked.form.get("Action") == "Publish" else None
    )
    _build(dan)
    trouble = "SELECT trouble FROM labels_phone WHERE owner_id = ?"
    wait_for(lambda: dan.value(trouble, dan.pk), "SNS refused the number", 60, dan.installation.words)
    network.server.reset()
    page.goto("/accounts/texts/")
    expect(page.locator(".notice.bad")).to_contain_text("no such number for texts")
    _look(page, "texts-trouble", photograph)


def _look(page, name, photograph):
    """Ask axe about the page, whether it fits the screen, and photograph it."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert violations(page) == []
    assert overflows(page) == []
    photograph(page, name)
