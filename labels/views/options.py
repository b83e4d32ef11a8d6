"""How a download is made: the size of its archives, and whether only new photos go in."""

from dataclasses import dataclass

from django.conf import settings

from labels.forms import whole_number

_GIB = 1024**3
_CHOICES = (_GIB, 2 * _GIB, 4 * _GIB, 10 * _GIB, 50 * _GIB)


@dataclass(frozen=True)
class DownloadOptions:
    part_bytes: int
    new_only: bool = False

    @classmethod
    def from_query(cls, query):
        """Read ?part_bytes=…&new_only=1; anything else than one of the choices is the default."""
        wanted = whole_number(query.get("part_bytes", ""))
        known = wanted in (*_CHOICES, settings.BUNDLE_PART_BYTES)
        return cls(
            part_bytes=wanted if known else settings.BUNDLE_PART_BYTES,
            new_only=query.get("new_only") == "1",
        )

    def fields(self):
        """Return the [(name, value)] of a form or a URL that says the same."""
        pairs = []
        if self.part_bytes != settings.BUNDLE_PART_BYTES:
            pairs.append(("part_bytes", str(self.part_bytes)))
        if self.new_only:
            pairs.append(("new_only", "1"))
        return pairs

    @property
    def part_choices(self):
        """Return [(bytes, whether chosen)], smallest first."""
        return [(size, size == self.part_bytes) for size in sorted({*_CHOICES, settings.BUNDLE_PART_BYTES})]


def about(seconds):
    """Return "about 40 s", "about 3 min" or "about 2 h"."""
    if seconds < 90:
        return f"about {round(seconds)} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {round(seconds / 3600)} h"
