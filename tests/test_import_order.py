"""Inside `labels` imports point one way, so that every step can be read without the ones after it."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "labels"

# From the ground up; a module imports only from lower lines. Those of one line do not know each other.
LAYERS = [
    {"names"},
    {"metrics", "truth"},
    {"archive_names", "zipformat", "pictures", "policy", "mail_files", "upload_handlers", "manifest"},
    {"models", "zipplan", "library", "drawing", "buckets"},
    {"regions"},
    {"summaries", "forms", "detectors"},
    {"intake"},
    {"renditions"},
    {"detection", "labelling", "selection"},
    {"bundles", "notifications", "evaluation"},
    {"tasks", "verify"},
    {"queue"},
    {"sweep", "signals", "storage_check"},
    {"views", "admin", "checks", "context_processors", "supervisor"},
    {"urls", "apps", "management"},
]
# Database migrations stand apart: they freeze what was true, and name models as they were.
APART = {"migrations", "__init__"}


def _modules():
    return sorted(
        path
        for path in FOLDER.rglob("*.py")
        if path.relative_to(FOLDER).parts[0].removesuffix(".py") not in APART
    )


def _name(path):
    return ".".join(path.relative_to(FOLDER).with_suffix("").parts).removesuffix(".__init__")


def _layer(name):
    """Return the layer of a dotted name within labels, or None."""
    parts = name.split(".")
    for length in (2, 1):
        for number, layer in enumerate(LAYERS):
            if ".".join(parts[:length]) in layer:
                return number
    return None


def _imports(path):
    """Return the names within labels that the module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}:{node.lineno} imports relatively"
            if node.module == "labels":
                yield from (f"labels.{alias.name}" for alias in node.names)
            else:
                yield f"{node.module}"


@pytest.mark.parametrize("path", _modules(), ids=_name)
def test_a_module_imports_only_from_below(path):
    own = _layer(_name(path))
    assert own is not None, f"labels.{_name(path)} is new: give it its place in LAYERS of this test"
    for imported in _imports(path):
        if not imported.startswith("labels."):
            continue
        target = imported.removeprefix("labels.")
        same_room = target.split(".")[0] == _name(path).split(".")[0]
        layer = _layer(target)
        assert layer is not None, f"labels.{_name(path)} imports {imported}, which is in no layer"
        assert same_room or layer < own, f"labels.{_name(path)} imports {imported}, which is above it"


def test_every_name_in_the_layers_exists():
    known = {_name(path) for path in _modules()}

    assert set().union(*LAYERS) - known - {"management"} == set()


@pytest.mark.parametrize(
    ("name", "strangers"),
    [("labels", {"alarms"}), ("alarms", {"labels"}), ("photomgr", {"labels", "alarms"})],
)
def test_the_apps_do_not_know_each_other_nor_the_configuration_them(name, strangers):
    for path in (FOLDER.parent / name).rglob("*.py"):
        for imported in _imports(path):
            assert imported.split(".")[0] not in strangers, f"{path.name} imports {imported}"


@pytest.mark.parametrize("name", ["labels", "alarms"])
def test_one_file_builds_the_clients_of_aws(name):
    for path in (FOLDER.parent / name).rglob("*.py"):
        assert "boto3" not in {imported.split(".")[0] for imported in _imports(path)}, path.name


def test_only_the_queue_knows_django_q2():
    for path in _modules():
        knows = any(imported.split(".")[0] == "django_q" for imported in _imports(path))
        if knows:
            # The supervisor starts its processes, apps.py connects its signal.
            assert _name(path) in {"queue", "apps", "supervisor"}
