import pytest

from labels.detectors.rekognition.regions import permits
from labels.detectors.rekognition.regions.quotas import follow_settings
from photomgr import aws
from tests.detectors.rekognition.fake_rekognition import FakeRekognition

EAST, WEST = "us-east-1", "us-west-2"


@pytest.fixture
def no_leases():
    permits.leases.clear()
    yield
    permits.leases.clear()


@pytest.fixture
def rekognition(db, settings, monkeypatch, no_leases):
    """The fake service, and an installation that uses it in two Regions, fast enough never to wait."""
    settings.LABELS_DETECTOR = "rekognition"
    settings.REKOGNITION_REGIONS = {EAST: 10_000.0, WEST: 5_000.0}
    follow_settings()
    with FakeRekognition() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", fake.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
        aws._client.cache_clear()
        yield fake
    aws._client.cache_clear()
