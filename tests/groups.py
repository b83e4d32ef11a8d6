"""A pytest plugin: tests with one `xdist_group` run in one worker, which prepares what they share once.

pytest-xdist 3.8 tells its scheduler of groups by changing test ids, which pytest 9.2 takes no notice of
(pytest-xdist's issue 1386): `--dist loadgroup` spreads them without a word. Here a file carries them instead.
"""

import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

_FILE = pytest.StashKey()


# They wait most of their time, so they run beside the others from the start and not at the end alone.
_FIRST = ("site", "processes")


class GroupScheduling(LoadScopeScheduling):
    """Hand out groups as a whole and the other tests one by one, in the order of the collection."""

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
    if config.getoption("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


def _group(item):
    mark = item.get_closest_marker("xdist_group")
    return mark and mark.args[0]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put groups before single tests: those named first, then the largest."""
    sizes = Counter(map(_group, items))

    def rank(item):
        group = _group(item)
        return group is None, _FIRST.index(group) if group in _FIRST else len(_FIRST), -sizes[group]

    items.sort(key=rank)


# Before xdist tells that the worker has collected.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session):
    file = getattr(session.config, "workerinput", {}).get("groups")
    if file:
        groups = {item.nodeid: _group(item) for item in session.items if _group(item)}
        Path(file).write_text(json.dumps(groups))
