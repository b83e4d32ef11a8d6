"""Browsers say what the policy stopped; nobody fills the log or forges a line of it."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from photomgr import csp_reports

pytestmark = pytest.mark.any_database

REPORT = {
    "document-uri": "https://photos.example.com/labels/?label=Lake",
    "effective-directive": "script-src-elem",
    "blocked-uri": "https://evil.example/x.js",
}


@pytest.fixture(autouse=True)
def nothing_logged_yet():
    csp_reports._logged.clear()


def _send(report, **options):
    body = report if isinstance(report, str) else json.dumps({"csp-report": report})
    browser = Client(enforce_csrf_checks=True)
    return browser.post(reverse("csp_report"), body, content_type="application/csp-report", **options)


@pytest.mark.django_db
def test_every_page_says_where_to_report():
    assert "report-uri /csp-report/" in Client().get(reverse("login"))["Content-Security-Policy"]


def test_a_form_is_no_report():
    assert Client().post(reverse("csp_report"), {"csp-report": "1"}).status_code == 400


def test_a_report_is_a_line_in_the_log_without_what_was_searched_for(caplog):
    assert _send(REPORT).status_code == 204

    [line] = caplog.messages
    assert line == (
        "The security policy stopped something on /labels/: "
        "effective-directive script-src-elem, blocked-uri https://evil.example/x.js"
    )


def test_no_second_line_is_forged(caplog):
    _send({**REPORT, "blocked-uri": "x\n2026-11-21 ERROR forged" + "x" * 999})

    [line] = caplog.messages
    assert "\n" not in line and len(line) < 500


def test_more_than_a_few_a_minute_are_not_logged(caplog):
    codes = [_send(REPORT).status_code for _ in range(csp_reports.PER_MINUTE + 5)]

    assert codes == [204] * csp_reports.PER_MINUTE + [429] * 5
    assert len([line for line in caplog.messages if "security policy" in line]) == csp_reports.PER_MINUTE


@pytest.mark.parametrize(
    ("body", "code"),
    [("no json", 400), ("[]", 400), ('{"csp-report": 7}', 400), ("{}", 400), ("x" * 20_000, 413)],
)
def test_nonsense_is_refused(body, code, caplog):
    assert _send(body).status_code == code
    assert not [line for line in caplog.messages if "security policy" in line]
