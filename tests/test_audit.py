"""`make audit` never takes silence for good news."""

import json
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.any_database

GOOD = {"name": "django", "version": "5.2.19", "vulns": []}
BAD = {**GOOD, "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["5.2.20"]}]}
UNKNOWN = {"name": "pillow", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        pytest.param([GOOD], 0, "No known vulnerabilities in 1 packages.", id="none"),
        pytest.param([BAD, UNKNOWN], 1, "django 5.2.19: PYSEC-2026-1, mended in 5.2.20", id="some"),
        pytest.param([GOOD, UNKNOWN], 2, "knows nothing about 1 of 2 packages: pillow", id="not found"),
        pytest.param(None, 2, "The index of advisories does not answer", id="no answer"),
    ],
)
def test_the_answer_of_the_index_is_told(tmp_path, packages, code, words):
    answer = "" if packages is None else json.dumps({"dependencies": packages})
    (tmp_path / "answer").write_text(answer)
    pip_audit = tmp_path / "pip-audit"
    pip_audit.write_text(f"#!/bin/sh\nexec cat '{tmp_path}/answer'\n")
    pip_audit.chmod(0o755)

    done = subprocess.run(
        [sys.executable, settings.BASE_DIR / ".ci" / "audit", pip_audit, tmp_path],
        capture_output=True,
        text=True,
    )

    assert done.returncode == code
    assert words in done.stdout
