"""Every manage.py command imports the pages and the admin; numpy and botocore are for those who use them."""

import subprocess
import sys

_PROGRAM = """
import sys, django
django.setup()
import alarms.admin, alarms.urls
heavy = ("alarms.analysis.", "alarms.backends.", "alarms.readings.values")
print(*sorted(name for name in sys.modules if name.startswith(heavy)))
"""


def test_the_pages_load_neither_the_analysis_nor_a_backend():
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["alarms.backends.base"]
