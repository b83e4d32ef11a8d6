"""Where a rule about security is put aside, the line says why."""

import re

import pytest
from django.conf import settings

pytestmark = pytest.mark.any_database


def test_every_exception_of_the_security_rules_has_a_reason():
    folders = ("labels", "alarms", "photomgr", "tests", "benchmarks")
    lines = [
        f"{path}: {line.strip()}"
        for folder in folders
        for path in (settings.BASE_DIR / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if re.search(r"# noqa: S\d", line)
    ]

    assert len(lines) > 10
    assert [line for line in lines if not re.search(r"# noqa: S\d+ \(.+\)$", line)] == []
