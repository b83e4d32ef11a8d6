"""A forked command has all that a started one has: words, variables, output, an end of its own."""

import json
import os
import signal

import pytest

from tests.live.processes import Installation

pytestmark = [pytest.mark.worker, pytest.mark.any_database]

_TELL = """
import json, os, sys
from django.conf import settings
print(json.dumps({
    "arguments": sys.argv[1:], "main": __name__, "said": os.environ["SAID"], "input": sys.stdin.read(),
    "data": str(settings.DATA_DIR), "leader": os.getpid() == os.getpgrp(),
}))
print("aside", file=sys.stderr)
sys.exit(3)
"""


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path / "data")
    yield made
    made.end()


def test_it_has_its_own_words_variables_settings_output_and_exit_code(installation, tmp_path):
    script = tmp_path / "tell.py"
    script.write_text(_TELL)

    for said in ("one", "two"):
        done = installation.run_python(script, "a word", "--flag", SAID=said)

        assert (done.returncode, done.stderr) == (3, "aside\n")
        assert json.loads(done.stdout) == {
            "arguments": ["a word", "--flag"],
            "main": "__main__",
            "said": said,
            "input": "",
            "data": str(installation.folder),
            "leader": False,
        }


def test_it_is_found_leads_a_session_and_dies_by_a_signal(installation):
    started = installation.start("shell", "-c", "import time; print('up', flush=True); time.sleep(600)")
    installation.wait_for(lambda: "up" in installation.words(), "it runs")

    assert started.pid in installation.processes()
    assert os.getsid(started.pid) == started.pid
    assert started.poll() is None
    started.kill()
    assert started.wait(20) == -signal.SIGKILL
    assert installation.processes() == {}
