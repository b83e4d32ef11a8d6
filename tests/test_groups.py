"""What shares something dear is run by one worker."""

import subprocess
import sys

import pytest
from django.conf import settings

from tests import groups

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(6))
@pytest.mark.xdist_group("dear")
def test_dear(number):
    pass

@pytest.mark.parametrize("number", range(6))
def test_cheap(number):
    pass
"""


def test_a_group_runs_in_one_worker_and_the_others_need_not(tmp_path):
    (tmp_path / "test_some.py").write_text(TESTS)
    options = ("-p", "no:django", "-p", "tests.groups", "-c", "/dev/null", "--rootdir", str(tmp_path))

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-n", "2", "--dist", "loadgroup", "-v", str(tmp_path)],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
    )

    ran = [line.split() for line in done.stdout.splitlines() if " PASSED " in line]
    assert len(ran) == 12, done.stdout + done.stderr
    assert len({line[0] for line in ran}) == 2
    assert len({line[0] for line in ran if "dear" in line[-1]}) == 1


def test_groups_that_wait_come_first_then_the_largest_and_single_tests_as_they_were():
    names = [None, "small", "large", None, "large", "processes", "site"]
    items = [Item(number, name) for number, name in enumerate(names)]

    groups.pytest_collection_modifyitems(items)

    assert [item.number for item in items] == [6, 5, 2, 4, 1, 0, 3]


class Item:
    def __init__(self, number, group):
        self.number, self._group = number, group

    def get_closest_marker(self, name):
        return pytest.mark.xdist_group(self._group).mark if self._group else None
