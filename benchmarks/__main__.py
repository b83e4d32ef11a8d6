"""`make bench`: run every benchmark and write what it prints into benchmarks/README.md."""

import subprocess
import sys
from datetime import date
from pathlib import Path

from benchmarks.workbench import machine, photos

_HERE = Path(__file__).parent
_BENCHMARKS = (
    ("Import", ["benchmarks.import_photos"]),
    ("Labelling", ["benchmarks.labelling"]),
    ("The local detector", ["benchmarks.local_detector", str(photos()[0].parent)]),
    ("Planning an archive", ["benchmarks.zip_plan"]),
    ("The tag list of a large library", ["benchmarks.tag_list"]),
    ("Building an archive", ["benchmarks.bundle"]),
)


def main():
    parts = [
        "# Figures\n",
        f"Made by `make bench` on {date.today():%d %B %Y}: {machine()}. Nothing here is typed in.",
        "Ratios are against a floor or a peer in the same run; absolute times are worth +-30 %.\n",
    ]
    for heading, command in _BENCHMARKS:
        sys.stderr.write(f"{heading} …\n")
        answer = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=True)
        parts.append(f"## {heading}\n\n`python -m {command[0]}`\n\n{answer.stdout.strip()}\n")
    (_HERE / "README.md").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
