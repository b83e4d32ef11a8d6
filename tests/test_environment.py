"""Environment variables are declared once: the settings, the documents and the checks follow."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings as configured
from environs import EnvError

from alarms import backends
from labels import detectors
from photomgr.environment import DOCUMENTS, SETTINGS, document, env, read_file

READ_BY_US = {name: setting for name, setting in SETTINGS.items() if setting.type != "boto3"}
WITH_DEFAULT = [setting for setting in READ_BY_US.values() if setting.example and setting.type != "log_level"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_are_written_from_the_declaration(path):
    assert path.read_text() == document(DOCUMENTS[path]), "Run `make docs`."


def test_settings_read_every_variable_that_is_declared():
    source = (configured.BASE_DIR / "photomgr" / "settings.py").read_text()

    assert set(re.findall(r'\benv\("(\w+)"', source)) == set(READ_BY_US)


@pytest.mark.parametrize("setting", WITH_DEFAULT, ids=lambda setting: setting.name)
def test_a_default_written_into_the_environment_changes_nothing(monkeypatch, setting):
    monkeypatch.setenv(setting.name, setting.example)

    assert env(setting.name) == setting.default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("DEBUG", "perhaps"),
        ("REKOGNITION_TIMEOUT", "soon"),
        ("REKOGNITION_DAILY_BUDGET", "ten dollars"),
        ("DATABASE_URL", "mongodb://nowhere"),
        ("LOG_LEVEL", "whisper"),
    ],
)
def test_a_value_that_cannot_be_parsed_names_its_variable(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(EnvError, match=name):
        env(name)


def test_the_code_has_every_choice(settings):
    for name in SETTINGS["LABELS_DETECTOR"].choices:
        assert detectors.detector_named(name).detect
    for name in SETTINGS["ALARMS_BACKEND"].choices:
        settings.ALARMS_BACKEND = name
        assert backends.backend_for().name == name


def test_boto3_finds_its_variables_in_the_file(tmp_path):
    file = tmp_path / ".env"
    file.write_text("AWS_DEFAULT_REGION=eu-north-1\nAWS_PROFILE=file\n")
    code = (
        "import os, sys; from photomgr.environment import read_file; read_file(sys.argv[1]);"
        "print(os.environ['AWS_DEFAULT_REGION'], os.environ['AWS_PROFILE'])"
    )
    environment = {**os.environ, "AWS_PROFILE": "process"}
    environment.pop("AWS_DEFAULT_REGION", None)

    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        cwd=configured.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["eu-north-1", "process"]


def test_a_secret_is_read_from_a_file(monkeypatch, tmp_path):
    file = tmp_path / "secret"
    file.write_text("from the file\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(file))
    monkeypatch.setenv("SECRET_KEY", "from the environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_FILE", str(file))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "from the environment")

    read_file(tmp_path / "no .env")

    assert env("SECRET_KEY") == "from the file"
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "from the file"


@pytest.mark.parametrize("content", ["", " \n", None], ids=["empty", "white", "missing"])
def test_a_file_without_a_secret_stops_the_start(monkeypatch, tmp_path, content):
    if content is not None:
        (tmp_path / "secret").write_text(content)
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "secret"))

    with pytest.raises(ValueError, match="SECRET_KEY_FILE"):
        env("SECRET_KEY")
