"""What a request says about its sender is believed from the configured proxies, and from nobody else."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as configured
from django.core.checks import run_checks
from django.test import RequestFactory
from django.urls import reverse

from photomgr.accounts.proxies import TrustedProxyMiddleware, client_network

pytestmark = pytest.mark.any_database


def _seen(peer, **headers):
    """Return (address, scheme) as the application sees them."""
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)
    return TrustedProxyMiddleware(lambda request: (request.META["REMOTE_ADDR"], request.scheme))(request)


@pytest.mark.parametrize(
    ("trusted", "peer", "path", "address"),
    [
        pytest.param([], "127.0.0.1", "203.0.113.5", "127.0.0.1", id="nobody is trusted"),
        pytest.param(["127.0.0.1"], "127.0.0.1", "203.0.113.5", "203.0.113.5", id="the proxy"),
        pytest.param(["127.0.0.1"], "203.0.113.9", "10.0.0.1", "203.0.113.9", id="past the proxy"),
        pytest.param(
            ["127.0.0.1"], "127.0.0.1", "1.1.1.1, 203.0.113.5", "203.0.113.5", id="forged before it"
        ),
        pytest.param(["10.0.0.0/8"], "10.1.1.1", "203.0.113.5, 10.2.2.2", "203.0.113.5", id="two proxies"),
        pytest.param(["127.0.0.1"], "127.0.0.1", "203.0.113.5, nonsense", "127.0.0.1", id="nonsense"),
        pytest.param(["127.0.0.1"], "127.0.0.1", "", "127.0.0.1", id="nothing said"),
        pytest.param(["unix"], "", "2001:db8::7", "2001:db8::7", id="a unix socket"),
        pytest.param(["127.0.0.1"], "", "203.0.113.5", "", id="a unix socket that is not trusted"),
    ],
)
def test_the_address_is_the_last_that_no_proxy_of_ours_has(settings, trusted, peer, path, address):
    settings.TRUSTED_PROXIES = trusted

    assert _seen(peer, x_forwarded_for=path)[0] == address


@pytest.mark.parametrize(
    ("trusted", "said", "scheme"),
    [
        pytest.param(["127.0.0.1"], "https", "https", id="by the proxy"),
        pytest.param(["127.0.0.1"], "http", "http", id="no TLS"),
        pytest.param(["127.0.0.1"], "https, http", "http", id="forged before it"),
        pytest.param([], "https", "http", id="by nobody we know"),
    ],
)
def test_the_scheme_is_what_a_trusted_proxy_says(settings, trusted, said, scheme):
    settings.TRUSTED_PROXIES = trusted

    assert _seen("127.0.0.1", x_forwarded_proto=said)[1] == scheme


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("", None),
    ],
)
def test_a_household_is_counted_as_one(address, network):
    assert client_network(RequestFactory().get("/", REMOTE_ADDR=address)) == network


HTTPS = {
    "SITE_URL": "https://photos.example.com",
    "ALLOWED_HOSTS": "photos.example.com",
    "TRUSTED_PROXIES": "127.0.0.1",
    "EMAIL_URL": "smtp+tls://user:password@mail.example.com:587",
}


def _settings(tmp_path, **variables):
    code = """if True:
        import django, json; django.setup()
        from django.conf import settings
        names = ["SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"]
        print(json.dumps([getattr(settings, name) for name in names]))
        from django.core.management import call_command
        call_command("check", deploy=True, fail_level="WARNING")
    """
    environment = {**os.environ, "PHOTOMGR_DATA_DIR": str(tmp_path), **variables}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=configured.BASE_DIR,
        env={**environment, "DJANGO_SETTINGS_MODULE": "photomgr.settings"},
        capture_output=True,
        text=True,
    )


def test_an_https_site_is_https_alone_and_the_deploy_check_has_nothing_to_say(tmp_path):
    done = _settings(tmp_path, **HTTPS)

    assert done.stdout.splitlines()[0] == "[true, 31536000, true, true]"
    assert "no issues" in done.stdout, done.stderr
    assert done.returncode == 0


def test_a_site_by_http_is_not_redirected(tmp_path):
    assert _settings(tmp_path).stdout.splitlines()[0] == "[false, 0, false, false]"


def test_https_without_a_known_proxy_is_said_and_redirects_nobody_in_circles(settings, tmp_path):
    done = _settings(tmp_path, **{**HTTPS, "TRUSTED_PROXIES": ""})

    assert done.stdout.splitlines()[0] == "[false, 31536000, true, true]"
    assert "accounts.W001" in done.stderr


@pytest.fixture
def https(settings):
    settings.SITE_URL, settings.TRUSTED_PROXIES = "https://testserver", ["127.0.0.1"]
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000


@pytest.mark.django_db
def test_pages_by_http_lead_to_https_and_health_checks_do_not(client, https):
    page = client.get(reverse("photos"))

    assert (page.status_code, page.url) == (301, "https://testserver/")
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_a_page_by_https_is_shown_with_hsts(client, https):
    page = client.get(reverse("photos"), headers={"x-forwarded-proto": "https"})

    assert page.status_code == 200
    assert page["Strict-Transport-Security"] == "max-age=31536000"


def test_a_data_folder_of_another_account_is_said(settings, tmp_path):
    tmp_path.chmod(0o755)
    settings.DATA_DIR = tmp_path

    assert [found.id for found in run_checks() if found.id.startswith("accounts.")] == ["accounts.W002"]
