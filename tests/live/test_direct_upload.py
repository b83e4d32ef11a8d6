"""With buckets: a real browser sends photos straight to S3, sees them, and fetches the archive from there."""

import boto3
import pytest
import urllib3
from playwright.sync_api import expect

from tests.live import landscapes
from tests.live.person import Person, sums, unzipped
from tests.live.processes import Site
from tests.storage.s3_server import S3Server

pytestmark = pytest.mark.browser

BUCKETS = ("live-photos", "live-bundles")


@pytest.fixture(scope="module")
def s3():
    server = S3Server()
    urllib3.request("POST", f"{server.url}/moto-api/reset")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bucket_site(s3, migrated, tmp_path_factory):
    account = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": s3.url,
    }
    client = boto3.client(
        "s3",
        endpoint_url=s3.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    for bucket in BUCKETS:
        client.create_bucket(Bucket=bucket)
    installation = migrated.copy(
        tmp_path_factory.mktemp("bucket-site") / "data",
        LABELS_DETECTOR="local",
        PHOTOS_BUCKET=BUCKETS[0],
        BUNDLES_BUCKET=BUCKETS[1],
        **account,
    )
    running = Site(installation)
    # The one rule that docs/buckets.md asks for.
    rule = {"AllowedOrigins": [running.url], "AllowedMethods": ["POST"], "AllowedHeaders": ["*"]}
    client.put_bucket_cors(Bucket=BUCKETS[0], CORSConfiguration={"CORSRules": [rule]})
    try:
        yield running.wait_until_ready()
        running.stop()
    finally:
        installation.end()


def test_photos_go_straight_to_the_bucket_and_an_archive_comes_back_from_it(
    bucket_site, chromium, s3, tmp_path
):
    dan = Person(bucket_site, chromium)
    files = []
    for number in range(5):
        files.append(tmp_path / f"Süd + Ost {number}.JPG")
        files[-1].write_bytes(landscapes.jpeg(number, (240, 160), "2024:05:01 12:00:00"))
    notes = tmp_path / "notes.jpg"
    notes.write_bytes(b"dear diary")
    dan.be_signed_in()
    dan.page.goto("/upload/")
    dan.page.set_input_files("#id_photos", [*files, files[0], notes])

    expect(dan.page.locator("#tally")).to_have_text(
        "5 of 7 added · 1 already here · 1 refused", timeout=60_000
    )
    expect(dan.page.locator("#files .reason")).to_contain_text("notes.jpg is not a photo that can be read")
    assert dan.photos() == sums(*files)
    assert len(s3.calls("POST", f"/{BUCKETS[0]}?")) == 7
    dan.wait_until_labelled()

    dan.page.goto("/")
    pictures = dan.page.locator("main img")
    expect(pictures).to_have_count(5)
    for number in range(5):
        # Lazy ones are fetched when they come into view; one that could not be would have no width.
        pictures.nth(number).scroll_into_view_if_needed()
        dan.page.wait_for_load_state("networkidle")
        assert (
            pictures.nth(number).evaluate("picture => picture.decode().then(() => picture.naturalWidth)")
            > 100
        )
    dan.page.screenshot(path=tmp_path / "photos.png")

    dan.page.get_by_role("button", name="Download").first.click()
    with dan.page.expect_download() as download:
        dan.page.locator(".part a.button").click(timeout=60_000)
    assert set(unzipped(download.value).values()) == sums(*files)
    assert download.value.url.startswith(s3.url)
    dan.context.close()
    assert dan.complaints == []
