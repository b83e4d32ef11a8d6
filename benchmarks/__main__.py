"""`make bench`: run the benchmarks and write what they print into benchmarks/README.md.

`python -m benchmarks import_photos bundle` measures only these; the other sections stay as they are.
"""

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

from benchmarks.workbench import machine, photos

_README = Path(__file__).parent / "README.md"
_HEADINGS = {
    "import_photos": "Import",
    "labelling": "Labelling",
    "lanes": "While many photos wait",
    "local_detector": "The local detector",
    "tag_list": "The tag list of a large library",
    "web": "Pages beside slow clients, and memory",
    "bundle": "Building archives",
    "bundle_s3": "Building archives from S3 into S3",
    "zip_plan": "Planning an archive",
    "bands": "Bands on labelled series",
    "alarm_chart": "The chart of an alarm",
    "regions": "Several Regions of Amazon Rekognition",
}
# A quarter of an hour, and better on a machine that does nothing else: `make bench-regions`.
_BY_NAME = {"regions"}
_INTRODUCTION = """# Figures

Written by `make bench`; nothing here is typed by hand. Ratios are against a floor or a peer in the same run;
absolute times vary by ±30 %.
"""


def main():
    wanted = sys.argv[1:] or [name for name in _HEADINGS if name not in _BY_NAME]
    if unknown := set(wanted) - set(_HEADINGS):
        sys.exit(f"No benchmark {', '.join(sorted(unknown))}; there are: {', '.join(_HEADINGS)}.")
    sections = _sections()
    for name in wanted:
        sys.stderr.write(f"{name} …\n")
        sections[_HEADINGS[name]] = _measured(name)
        parts = [
            f"## {heading}\n{sections[heading]}" for heading in _HEADINGS.values() if heading in sections
        ]
        _README.write_text("\n".join([_INTRODUCTION, *parts]))


def _sections():
    """Return {heading: text} of the figures as they stand."""
    text = _README.read_text() if _README.exists() else ""
    found = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return {heading: f"\n{section.strip()}\n" for heading, section in found}


def _measured(name):
    arguments = [str(photos()[0].parent)] if name == "local_detector" else []
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    made = f"`python -m benchmarks.{name}`, {date.today():%d %B %Y}, {machine()}."
    return f"\n{made}\n\n{answer.stdout.strip()}\n"


if __name__ == "__main__":
    main()
