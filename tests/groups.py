"""A pytest plugin: tests with one `xdist_group` run in one worker, which prepares what they share once.

pytest-xdist 3.8 tells its scheduler of groups by changing test ids, which pytest 9.2 takes no notice of
(pytest-xdist's issue 1386): `--dist loadgroup` spreads them without a word. Here a file carries them instead.
"""

import json
import tempfile
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

_FILE = pytest.StashKey()


class GroupScheduling(LoadScopeScheduling):
    """Hand out groups as a whole, the largest first, and the other tests one by one."""

    _groups: dict[str, str] = {}

    def schedule(self):
        if self.collection is None:
            self._groups = json.loads(Path(self.config.stash[_FILE].name).read_text())
        super().schedule()

    def _split_scope(self, nodeid):
        return self._groups.get(nodeid, nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    stash = node.config.stash
    if _FILE not in stash:
        # Open, and there, for as long as the run.
        stash[_FILE] = tempfile.NamedTemporaryFile(prefix="groups-")  # noqa: SIM115
    node.workerinput["groups"] = stash[_FILE].name


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return GroupScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


# Before xdist tells that the worker has collected.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session):
    file = getattr(session.config, "workerinput", {}).get("groups")
    if file:
        marks = ((item.nodeid, item.get_closest_marker("xdist_group")) for item in session.items)
        Path(file).write_text(json.dumps({nodeid: mark.args[0] for nodeid, mark in marks if mark}))
