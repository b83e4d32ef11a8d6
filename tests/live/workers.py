"""Photos in the hands of workers that stand still on purpose, and the sweep that brings lost ones back."""

from tests import factory

HELD = "SELECT lease_owner FROM labels_photo WHERE status = 'labelling' AND attempts = ?"
LABELLED = "SELECT count(*) FROM labels_photo WHERE status = 'labelled'"
# A command for each sweep would spend its time on starting.
_SWEEPER = """
import time
from labels.maintenance.sweep import sweep
while True:
    sweep()
    time.sleep(0.3)
"""


def fill(installation, tmp_path, *pictures):
    """Import pictures, given as (colour, size), as dan's; their tasks are enqueued."""
    folder = tmp_path / "camera"
    folder.mkdir()
    for number, (colour, size) in enumerate(pictures):
        (folder / f"IMG_{number:04}.jpg").write_bytes(factory.picture(colour, size).read())
    assert installation.json("import_photos", str(folder), "--owner", "dan")["imported"] == len(pictures)


def busy_worker(installation, gate, attempt=1):
    """Return the pid of the worker that holds a photo and stands in the middle of its detector."""
    lease_owner = installation.wait_for(lambda: installation.value(HELD, attempt), f"attempt {attempt} began")
    installation.wait_for((gate / "entered").exists, "the detector was entered")
    return int(lease_owner.split(":")[1])


def sweep_until(installation, condition, what, seconds=60):
    """Wait for the condition, while a process sweeps again and again; it ends with the installation."""
    if installation.sweeper is None or installation.sweeper.poll() is not None:
        installation.sweeper = installation.start("shell", "-v", "0", "-c", _SWEEPER)
    installation.wait_for(condition, what, seconds)
