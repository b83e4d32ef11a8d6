"""Inside `labels` and `alarms` imports point one way: every step can be read without the ones after it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the ground up; a module imports only from lower lines. Those of one line do not know each other.
LABELS = [
    {"names", "grouping", "phone_numbers"},
    {"metrics", "truth"},
    {"archive_names", "zipformat", "pictures", "policy", "mail_files", "upload_handlers", "manifest"},
    {"settling", "precision", "sqs", "sns"},
    {"models", "zipplan", "library", "drawing", "buckets"},
    {"regions", "workers", "places"},
    {"summaries", "forms", "detectors", "policies", "learning"},
    {"intake", "rewriting"},
    {"renditions", "incoming", "replay", "decisions"},
    {"detection", "labelling", "selection"},
    {"bundles", "notifications", "topic", "evaluation", "text_limits"},
    {"texts", "phones"},
    {"tasks", "costs", "verify"},
    {"queue"},
    {"measurements", "sweep", "signals", "storage_check"},
    {"views", "admin", "checks", "rekognition_checks", "context_processors", "supervisor"},
    {"sms_checks"},
    {"urls", "apps", "management"},
]
ALARMS = [
    {"rules", "arns", "pacing", "evaluation", "metric_math", "bands", "periodicity", "charts", "mutes"},
    {"definitions", "backtest", "scoring", "series_file"},
    {"watch"},
    {"query_rules", "cost", "rows", "doctor", "alarm_tests", "topics"},
    {"validation", "plan", "experiments"},
    {"plan_text", "export", "models"},
    {"metrics", "store", "configuration", "retention"},
    {"readings"},
    {"backends"},
    {"planning", "importing", "history", "muting", "thresholds", "publishing", "guards"},
    {"forms", "chart_form", "packs"},
    {"apply"},
    {"telling"},
    {"tick", "examination"},
    {"fixing"},
    {"queue"},
    {"signals", "views", "checks", "admin"},
    {"urls", "apps", "management"},
]
LAYERS = {"labels": LABELS, "alarms": ALARMS}
# Database migrations stand apart: they freeze what was true, and name models as they were.
APART = {"migrations", "__init__"}


def _modules(app):
    return sorted(
        path
        for path in (ROOT / app).rglob("*.py")
        if path.relative_to(ROOT / app).parts[0].removesuffix(".py") not in APART
    )


def _name(path):
    """Return the dotted name of a module, with its app."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _layer(name):
    """Return the layer of a dotted name within its app, or None."""
    app, *parts = name.split(".")
    for length in (2, 1):
        for number, layer in enumerate(LAYERS[app]):
            if ".".join(parts[:length]) in layer:
                return number
    return None


def _imports(path):
    """Return the names that the module imports, wherever in it; those of the apps with what is taken."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}:{node.lineno} imports relatively"
            if node.module in LAYERS:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield f"{node.module}"


@pytest.mark.parametrize("path", [path for app in LAYERS for path in _modules(app)], ids=_name)
def test_a_module_imports_only_from_below(path):
    name = _name(path)
    app, room, *_ = name.split(".")
    own = _layer(name)
    assert own is not None, f"{name} is new: give it its place in the layers of this test"
    for imported in _imports(path):
        if not imported.startswith(f"{app}."):
            continue
        layer = _layer(imported)
        assert layer is not None, f"{name} imports {imported}, which is in no layer"
        assert imported.split(".")[1] == room or layer < own, f"{name} imports {imported}, which is above it"


@pytest.mark.parametrize("app", LAYERS)
def test_every_name_in_the_layers_exists(app):
    known = {_name(path).removeprefix(f"{app}.") for path in _modules(app)}

    assert set().union(*LAYERS[app]) - known - {"management"} == set()


@pytest.mark.parametrize(
    ("name", "strangers"),
    [("labels", {"alarms"}), ("alarms", {"labels"}), ("photomgr", {"labels", "alarms"})],
)
def test_the_apps_do_not_know_each_other_nor_the_configuration_them(name, strangers):
    for path in (ROOT / name).rglob("*.py"):
        for imported in _imports(path):
            assert imported.split(".")[0] not in strangers, f"{path.name} imports {imported}"


@pytest.mark.parametrize("name", ["labels", "alarms"])
def test_one_file_builds_the_clients_of_aws(name):
    for path in (ROOT / name).rglob("*.py"):
        assert "boto3" not in {imported.split(".")[0] for imported in _imports(path)}, path.name


def test_only_the_queue_knows_django_q2():
    for path in (*_modules("labels"), *_modules("alarms")):
        knows = any(imported.split(".")[0] == "django_q" for imported in _imports(path))
        if knows:
            # The supervisor starts its processes, apps.py connects its signal, sqs.py is its broker.
            assert _name(path) in {
                "labels.workers.queue",
                "labels.workers.brokers",
                "labels.apps",
                "labels.workers.supervisor",
                "alarms.tasks",
            }
