"""The main job in a real browser against the real application: photos in, labels, a zip and a mail out."""

import re

import pytest
from playwright.sync_api import expect

from tests import factory
from tests.live import landscapes
from tests.live.person import link_in, sums, unzipped

pytestmark = pytest.mark.browser

_HOW_MANY = 100
_KEPT = re.compile(r"kept in (\S+\.eml)")


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    """Return a function that draws so many landscapes into a new folder."""

    def draw(count, size=(240, 160), first=0):
        folder = tmp_path_factory.mktemp("camera")
        for number in range(count):
            taken = f"2024:{1 + number % 12:02}:{1 + number % 28:02} 12:00:00"
            (folder / f"DRAWN_{number:04}.JPG").write_bytes(landscapes.jpeg(first + number, size, taken))
        return sorted(folder.iterdir())

    return draw


@pytest.fixture
def real_photos(request):
    """Return real photographs where they lie beside the project, none elsewhere."""
    try:
        folder = request.getfixturevalue("shared") / "photos"
    except pytest.skip.Exception:
        return []
    return sorted(folder.glob("*.jpg"))[:40]


def _choice(labels):
    """Return labels (one, two, excluded) with which each tick and the exclusion change the selection."""
    by_size = sorted(labels, key=lambda name: (-len(labels[name]), name))
    everything = set().union(*labels.values())
    for one in by_size:
        for two in by_size:
            both = labels[one] | labels[two]
            if not labels[one] < both < everything:
                continue
            for excluded in by_size:
                if excluded not in (one, two) and set() < both - labels[excluded] < both:
                    return one, two, excluded
    raise AssertionError(f"these labels give nothing to choose from: {by_size}")


def _number(count):
    return f"{count:,} photo{'' if count == 1 else 's'}"


def _row(page, name):
    return page.locator(".row", has=page.locator(f'.tick input[value="{name}"]'))


def _expect_download_button(page, count):
    expect(page.locator("#plan button.primary")).to_have_text(f"Download {_number(count)}")


def _fetch_parts(page):
    found = {}
    for link in page.locator(".part a.button").all():
        with page.expect_download() as download:
            link.click()
        found |= unzipped(download.value)
    return found


def _files(folder, good):
    """Return one that is there already, one that is no photo and one that is too large."""
    again, words, huge = (folder / name for name in ("the same again.jpg", "letter.jpg", "huge.jpg"))
    again.write_bytes(good[-1].read_bytes())
    words.write_text("Dear Dan, this is no photo.")
    huge.write_bytes(good[-1].read_bytes())
    with huge.open("ab") as file:
        file.truncate(13_000_000)
    return again, words, huge


def _expect_outcomes(page, good, again):
    """Expect what the upload page says of every file."""
    expect(page.locator("#tally")).to_have_text(
        f"{len(good)} of {_HOW_MANY} added · 1 already here · 2 refused", timeout=90_000
    )
    rows = page.locator("#files .file")
    expect(rows).to_have_count(_HOW_MANY)
    assert rows.locator("[data-status=imported]").count() == len(good)
    twin = rows.filter(has=page.locator("[data-status=duplicate]"))
    # Three are sent at a time, so either of the twins may be the first.
    assert twin.locator(".name").text_content() in (again.name, good[-1].name)
    letter = rows.filter(has_text="letter.jpg")
    expect(letter.locator(".end")).to_have_text("refused")
    expect(letter.locator(".reason")).to_contain_text("letter.jpg is not a photo that can be read")
    expect(rows.filter(has_text="huge.jpg").locator(".reason")).to_have_text(
        re.compile(r"huge\.jpg is 12\.4.MB; the limit is 11\.4.MB\. Make it smaller")
    )


def _tick(page, labels, one, two, excluded):
    """Tick one, then two, exclude one; expect the right numbers; return the sums of the chosen."""
    page.evaluate("window.stillThisPage = true")
    for name in (one, two, excluded):
        expect(_row(page, name).locator(".amount")).to_have_attribute("data-count", str(len(labels[name])))
    _row(page, one).locator(".tick input").check()
    _expect_download_button(page, len(labels[one]))
    union = labels[one] | labels[two]
    expect(_row(page, two).locator(".amount")).to_have_attribute("data-count", str(len(union)))
    _row(page, two).locator(".tick input").check()
    _expect_download_button(page, len(union))
    _row(page, excluded).locator(".not").click()
    chosen = union - labels[excluded]
    _expect_download_button(page, len(chosen))
    expect(page.locator("#plan .plan-line")).to_contain_text(f"{_number(len(chosen))} · ")
    expect(page.locator("#preview .card")).to_have_count(min(24, len(chosen)))
    assert page.evaluate("window.stillThisPage") is True
    return chosen


def _mail(dan, page):
    """Return the one mail, once the page says that it was written, and where."""
    mail_line = page.get_by_text("E-mailed to")
    for _ in range(20):
        if mail_line.count():
            break
        page.reload()
    [(path, mail)] = dan.mails()
    assert _KEPT.search(mail_line.text_content())[1] == str(path)
    return mail


def test_a_hundred_files_become_labels_and_exactly_the_ticked_photos_come_back(
    person, camera, real_photos, tmp_path
):
    dan = person()
    page = dan.page
    good = real_photos + camera(_HOW_MANY - 3 - len(real_photos))
    others = _files(tmp_path, good)
    assert len(good) + 3 == _HOW_MANY

    dan.sign_in()
    page.click("text=Upload photos")
    page.set_input_files("#id_photos", [*good, *others])
    _expect_outcomes(page, good, others[0])
    assert dan.photos() == sums(*good)

    dan.wait_until_labelled()
    page.click("#see-labels")
    labels = dan.labels()
    one, two, excluded = _choice(labels)
    chosen = _tick(page, labels, one, two, excluded)

    page.reload()
    _expect_download_button(page, len(chosen))
    page.click("#plan button.primary")
    page.wait_for_url("**/bundles/*/")
    expect(page.locator("#state")).to_have_attribute("data-status", "ready", timeout=60_000)
    expect(page.locator(".state-line")).to_contain_text(f"Ready — {_number(len(chosen))}")
    mail = _mail(dan, page)
    line, _, choice = mail["Subject"].partition(": ")
    assert line == f"Your {_number(len(chosen))} {'is' if len(chosen) == 1 else 'are'} ready"
    # In the order of the page; a long one is cut off.
    choices = [f"any of {pair[0]}, {pair[1]}; none of {excluded}" for pair in ((one, two), (two, one))]
    assert any(words.startswith(choice.removesuffix("…")) for words in choices), choice
    assert choice.startswith("any of ")

    page.goto("/")
    page.goto(link_in(mail))
    found = _fetch_parts(page)

    assert len(found) == len(chosen)
    assert set(found.values()) == chosen
    assert set(found.values()) <= sums(*good)


def test_the_first_upload_ends_where_the_labels_arrive_by_themselves(person, camera):
    dan = person()
    page = dan.page
    pictures = camera(12, first=400)
    dan.be_signed_in()
    page.goto("/upload/")

    page.set_input_files("#id_photos", pictures)
    page.wait_for_url("**/labels/")
    page.evaluate("window.stillThisPage = true")

    expect(page.locator("#live")).to_have_text("All photos are labelled.", timeout=60_000)
    labels = dan.labels()
    for name, photos in labels.items():
        expect(_row(page, name).locator(".amount")).to_have_attribute("data-count", str(len(photos)))
    expect(page.locator(".row")).to_have_count(len(labels))
    assert page.evaluate("window.stillThisPage") is True


def test_the_whole_loop_works_without_javascript(person, camera, tmp_path):
    dan = person(java_script_enabled=False)
    page = dan.page
    pictures = camera(12, first=200)
    words = tmp_path / "letter.jpg"
    words.write_text("Dear Dan, this is no photo.")

    dan.sign_in()
    page.click("text=Upload photos")
    page.set_input_files("#id_photos", [*pictures, words])
    page.click("#drop noscript button")

    expect(page.locator("#results-title")).to_have_text("12 of 13 added · 1 refused")
    expect(page.locator(".file", has_text="letter.jpg").locator(".reason")).to_contain_text("is not a photo")
    dan.wait_until_labelled()
    page.click("main >> text=Choose by labels")
    labels = dan.labels()
    one, two, excluded = _choice(labels)
    _row(page, one).locator(".tick input").check()
    _row(page, two).locator(".tick input").check()
    _row(page, excluded).locator(".not input").check(force=True)
    page.click("#plan noscript button")

    chosen = (labels[one] | labels[two]) - labels[excluded]
    _expect_download_button(page, len(chosen))
    page.click("#plan button.primary")
    page.wait_for_url("**/bundles/*/")
    # The page asks again by itself, by a refresh in its head.
    expect(page.locator("#state")).to_have_attribute("data-status", "ready", timeout=60_000)
    dan.site.installation.wait_for(dan.mails, "the mail was written")
    [(_, mail)] = dan.mails()
    page.goto(link_in(mail))

    assert set(_fetch_parts(page).values()) == chosen
    assert chosen <= sums(*pictures)


def _tab_to(page, selector):
    """Press Tab until the focus is on `selector`, as somebody without a mouse does."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by the Tab key on {page.url}")


def _press_to(page, selector, address):
    _tab_to(page, selector)
    page.keyboard.press("Enter")
    page.wait_for_url(address)


def test_the_whole_loop_works_by_keyboard_alone(person, camera):
    dan = person()
    page = dan.page
    pictures = camera(8, first=300)
    # Playwright turns its events of file choosers on when somebody first listens, and does not wait for that:
    # on a busy machine the key was quicker.
    page.on("filechooser", lambda chooser: None)

    page.goto("/accounts/login/")
    if not page.evaluate("document.activeElement.matches('[name=username]')"):
        _tab_to(page, "[name=username]")
    page.keyboard.type(dan.name)
    _tab_to(page, "[name=password]")
    page.keyboard.type("a long password of nobody")
    page.keyboard.press("Enter")
    page.wait_for_url(dan.site.url + "/")
    _press_to(page, ".bar a[href='/upload/']", "**/upload/")
    _tab_to(page, "#choose-files")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(pictures)
    # The first photos of an account lead there.
    page.wait_for_url("**/labels/")
    expect(page.locator("#live")).to_have_text("All photos are labelled.", timeout=60_000)

    labels = dan.labels()
    one, two, excluded = _choice(labels)
    _walk_to(page, one)
    page.keyboard.press("Space")
    _expect_download_button(page, len(labels[one]))
    _walk_to(page, two)
    page.keyboard.press("Space")
    _expect_download_button(page, len(labels[one] | labels[two]))
    _walk_to(page, excluded)
    page.keyboard.press("x")
    chosen = (labels[one] | labels[two]) - labels[excluded]
    _expect_download_button(page, len(chosen))
    page.keyboard.press("x")
    _expect_download_button(page, len(labels[one] | labels[two]))
    page.keyboard.press("x")
    _expect_download_button(page, len(chosen))

    _press_to(page, "#plan button.primary", "**/bundles/*/")
    expect(page.locator("#state")).to_have_attribute("data-status", "ready", timeout=60_000)
    _tab_to(page, ".part a.button")
    with page.expect_download() as download:
        page.keyboard.press("Enter")

    assert set(unzipped(download.value).values()) == chosen


def _walk_to(page, name):
    """Go to a label's box: "/" to the field, the arrows down the list, back up to prove that way too."""
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    for _ in range(200):
        page.keyboard.press("ArrowDown")
        if page.evaluate("document.activeElement.value") == name:
            break
    else:
        raise AssertionError(f"the arrow keys do not reach {name}")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    expect(_row(page, name).locator(".tick input")).to_be_focused()


def test_signing_out_in_another_tab_loses_no_file_of_an_upload(person, tmp_path):
    dan = person()
    page = dan.page
    pictures = [tmp_path / f"NOISE_{number:02}.JPG" for number in range(16)]
    for number, path in enumerate(pictures):
        path.write_bytes(factory.noise((240, 160), number, quality=88).read())
    # The answer to a request after the sign-out is a 403, which Chromium writes into the console.
    dan.expected.append(r"status of 40[13]")
    dan.be_signed_in()
    page.goto("/upload/")
    slow = dan.context.new_cdp_session(page)
    slow.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
    slow.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": 120_000})
    other = dan.open_tab()
    other.goto("/")

    page.set_input_files("#id_photos", pictures)
    expect(page.locator("[data-status=imported]").first).to_be_visible()
    # However long the sign-out takes, the next file is still on its way.
    slow.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": 500})
    other.click(".menu summary")
    other.click("text=Sign out")
    other.wait_for_url("**/accounts/login/**")
    slow.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": -1})

    expect(page.locator("#trouble")).to_contain_text("You are signed out. Sign in in a new tab")
    expect(page.locator("#tally")).to_contain_text("not sent")
    before = len(dan.photos())
    assert 0 < before < 16
    expect(page.locator("#tally")).to_have_text(f"{before} of 16 added · {16 - before} not sent")
    with dan.context.expect_page() as opened:
        page.click("#trouble a")
    dan.sign_in(opened.value)
    page.click("#retry-all")

    # All have arrived, and they are the account's first.
    page.wait_for_url("**/labels/")
    assert dan.photos() == sums(*pictures)
