"""What the documents name exists, and what exists is documented."""

import re

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

ROOT = settings.BASE_DIR
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"],
)
# The namespace of a metric.
NO_PATHS = {"photomgr/experiments"}
# Others that name paths in comments and rules.
FILES = [*PAGES, ROOT / "Makefile", ROOT / "deploy" / "photomgr.yaml", *sorted((ROOT / ".ci").iterdir())]
OUR_APPS = ("labels", "alarms", "photomgr.accounts")
OUR_COMMANDS = sorted(name for name, app in get_commands().items() if app in OUR_APPS)
# Folders whose paths the pages name, as in `labels/bundles/chunks.py`.
PATH = re.compile(
    r"(?<![\w/.-])((?:\.ci|alarms|benchmarks|deploy|docs|labels|photomgr|static|templates|tests)/[\w./-]*\w/?)"
)


def _sections():
    """Return {command: its section of docs/commands.md}."""
    text = (ROOT / "docs" / "commands.md").read_text()
    found = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    return dict(found)


def _options(parser):
    return {
        option for action in parser._actions for option in action.option_strings if option.startswith("--")
    }


def test_every_command_is_documented_and_every_documented_command_exists():
    assert sorted(_sections()) == OUR_COMMANDS


@pytest.mark.parametrize("name", OUR_COMMANDS)
def test_the_usage_of_a_command_names_its_options(name):
    command = load_command_class(get_commands()[name], name)
    usage = "\n".join(line for line in _sections()[name].splitlines() if line.startswith("    "))
    common = _options(BaseCommand().create_parser("manage.py", name)) | {"--format"}

    assert (
        set(re.findall(r"--[a-z][a-z-]*", usage))
        == _options(command.create_parser("manage.py", name)) - common
    )


def _anchor(heading):
    """Return GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} does not exist"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert anchor in map(_anchor, headings), f"{target} names no heading"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_paths_named_exist(file):
    named = set(PATH.findall(file.read_text())) - NO_PATHS

    assert not sorted(path for path in named if not (ROOT / path).exists())


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_bytes()) <= 6_000


def test_every_package_is_on_the_map():
    shown = (ROOT / "docs" / "architecture.md").read_text()
    for app in ("labels", "alarms"):
        table = re.search(rf"^\| {app}/ .*?\n\n", shown, re.MULTILINE | re.DOTALL).group()
        packages = {path.parent.name for path in (ROOT / app).glob("*/__init__.py")} - {"migrations"}
        assert {name for name in re.findall(r"`(\w+)/`", table) if (ROOT / app / name).is_dir()} >= packages


def test_every_decision_is_listed():
    decisions = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (decisions / "README.md").read_text())

    assert listed == sorted(path.name for path in decisions.glob("0*.md"))


def test_every_code_of_the_doctor_is_explained():
    page = (ROOT / "docs" / "judging-alarms.md").read_text()
    source = "".join(path.read_text() for path in (ROOT / "alarms" / "doctor").glob("*.py"))

    assert set(re.findall(r"\bA\d\d\b", page)) == set(re.findall(r'"(A\d\d)"', source))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_targets_named_exist(page):
    named = set(re.findall(r"(?:^    |`)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE))
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert named <= set(targets)


def test_every_promise_about_security_names_tests_that_exist():
    text = (ROOT / "docs" / "security.md").read_text()
    rows = [line.split("|")[2] for line in text.splitlines() if "`" in line and "test_" in line]
    assert len(rows) > 20

    for row in rows:
        file = None
        for name in re.findall(r"`([^`]+)`", row):
            path, _, function = name.rpartition(": ")
            file = ROOT / path if path else file
            assert f"def {function}(" in file.read_text(), name
