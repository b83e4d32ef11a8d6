"""What every process loads of the detectors: rows and rules, and nothing they compute or call with."""

import subprocess
import sys

CODE = """
import importlib, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "photomgr.settings"
import django
django.setup()
import labels.checks, labels.urls
OWN = ("labels.detectors", "labels.evaluation")
loaded = [name for name in sys.modules if name.startswith(OWN)]
for name in list(sys.modules):
    if name in loaded:
        del sys.modules[name]
    # What others of the application need: importing it again fails.
    elif name.partition(".")[0] in ("PIL", "boto3", "botocore", "numpy"):
        sys.modules[name] = None
for name in loaded:
    importlib.import_module(name)
print(*loaded)
"""


def test_admin_models_checks_and_pages_load_no_heavy_library_for_the_detectors():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert {"labels.detectors.rekognition.regions.report", "labels.evaluation.precision"} <= loaded
    assert not any(name.startswith("labels.detectors.local") for name in loaded)
    assert not loaded & {"labels.evaluation.training", "labels.evaluation.fitting"}
