"""File names inside an archive: the original names, safe on Windows, macOS and Linux, and unique."""

import re
import unicodedata
from collections.abc import Iterable

MAX_BYTES = 255  # UTF-8, the limit of ext4 and APFS; NTFS allows 255 UTF-16 units, which is never less

# Unicode's Default_Ignorable_Code_Point, by number so that a new Python changes no name. Variation
# selectors stand apart: they choose how a character looks (an emoji, a Japanese name), so they may stay.
_VARIATION = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_INVISIBLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb"
_REMOVED = re.compile(f"[{_CONTROL}{_INVISIBLE}]+")
_IGNORED = re.compile(f"[{_VARIATION}{_INVISIBLE}]+")

# Replaced, not removed: 12:30.jpg stays readable as 12_30.jpg. Lone surrogates cannot be written at all
# (a name that was not UTF-8), noncharacters are refused by APFS.
_REPLACED = re.compile(
    '[<>:"|?*\ud800-\udfff\ufdd0-\ufdef'
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
    + "]"
)

# Windows drops dots and spaces at the end; a dot in front hides the photo on macOS and Linux.
_SPACES = " \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_FORMULA = re.compile(r"\A[=+@-]")
# Some spreadsheets take these for the same.
_WIDE_FORMULA = re.compile("\\A[\uff1d\uff0b\uff20\uff0d\ufe66\ufe62\ufe6b\ufe63]")
# Where a cell begins for some reader: at its start, or behind what separates cells in some countries.
_CELL = re.compile(r"(?:\A|(?<=[;,\t\r\n|]))\s*", re.MULTILINE)
_EDGES = "." + _SPACES

_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [port + digit for port in ("COM", "LPT") for digit in "0123456789\xb9\xb2\xb3"]
)

_EXTENSION = re.compile(r"(?<=.)\.[^.\s]{1,15}\Z", re.DOTALL)
# Room for " (2)" up to " (99999999)", always the same, so that names cut to one stem share one counter.
_SUFFIX_BYTES = 11


def safe_name(original: str, fallback: str = "photo") -> str:
    """Return the file name of a path, made safe to unpack anywhere; the fallback when nothing is left.

    At most 255 UTF-8 bytes, NFC, never hidden, never a device of Windows. Safe names stay as they are.
    """
    return _clean(original) or _clean(fallback) or "photo"


def unique_names(originals: Iterable[str], reserved: Iterable[str] = ("manifest.csv",)) -> list[str]:
    """Return a safe name for each original, in order, no two alike on any common file system."""
    names = UniqueNames(reserved)
    return [names.add(original) for original in originals]


class UniqueNames:
    """Names no two of which are alike on any common file system.

    The first keeps its name, later ones become "name (2).jpg". No name depends on those after it; `taken` are
    those that were given before.
    """

    def __init__(self, reserved: Iterable[str] = ("manifest.csv",), taken: Iterable[str] = ()) -> None:
        self._taken = {file_key(name) for name in (*reserved, *taken)}
        self._counters: dict[tuple[str, str], int] = {}

    def add(self, original: str) -> str:
        """Return the safe name of one more file."""
        name = safe_name(original)
        key = file_key(name)
        if key in self._taken:
            name, key = _numbered(name, self._taken, self._counters)
        self._taken.add(key)
        return name


def file_key(name: str) -> str:
    """Return what two names share when some file system takes them for one.

    Coarser than each of them, as a needless number harms nobody and a lost photo does: NTFS and exFAT
    compare upper case (exFAT has dotless i = I), APFS and HFS+ decompose and fold, folding ext4 and f2fs
    (Android) also skip what is invisible, ZFS can be told to use compatibility forms.
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKD", _IGNORED.sub("", name)).upper().casefold()


def numbers_plainly(name: str) -> bool:
    """Return whether no name but one with the same file_key, numbers apart, can come to equal this safe one.

    Without a number in it, `unique_names` makes of the k-th name equal to it just "name (k).jpg".
    """
    stem, extension = _split_extension(name)
    return len(name.encode()) <= MAX_BYTES - _SUFFIX_BYTES and _split_extension(file_key(name)) == (
        file_key(stem),
        file_key(extension),
    )


def _clean(original: str) -> str:
    name = original.replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = _REMOVED.sub("", unicodedata.normalize("NFC", name))
    # Again, because removing a joiner can bring a letter and its accent together.
    name = unicodedata.normalize("NFC", _REPLACED.sub("_", name))
    # A spreadsheet takes such a cell of the manifest for a formula, a shell such a file for an option.
    visible = _without_formula(name.strip(_EDGES))
    hidden = name.lstrip(_SPACES).startswith(".")
    if hidden and "." not in visible:  # ".jpg" was an extension without a name
        return ""
    if visible.partition(".")[0].rstrip(" ").upper() in _DEVICES:
        visible = "_" + visible
    stem, extension = _split_extension(visible)
    return _cut(stem, MAX_BYTES - len(extension.encode())) + extension


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, of as many UTF-8 bytes."""
    starts = [found.end() for found in _CELL.finditer(text)]
    for start in starts:
        text = text[:start] + _without_formula(text[start:])
    return text


def _without_formula(text: str) -> str:
    return _WIDE_FORMULA.sub("\uff3f", _FORMULA.sub("_", text))


def _numbered(name: str, taken: set[str], counters: dict[tuple[str, str], int]) -> tuple[str, str]:
    """Return the name with the first free number before its extension, and its folded form."""
    stem, extension = _split_extension(name)
    stem = _cut(stem, MAX_BYTES - _SUFFIX_BYTES - len(extension.encode()))
    family = file_key(stem), file_key(extension)
    # Counters never go back, so that many equal names cost no more than many different ones.
    number = counters.get(family, 2)
    while (key := f"{family[0]} ({number}){family[1]}") in taken:
        number += 1
    counters[family] = number + 1
    return f"{stem} ({number}){extension}", key


def _split_extension(name: str) -> tuple[str, str]:
    """Return stem and extension; a long or spaced ending is no extension, so that it can be cut."""
    found = _EXTENSION.search(name)
    return (name[: found.start()], found[0]) if found else (name, "")


def _cut(text: str, max_bytes: int) -> str:
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    return encoded[:max_bytes].decode(errors="ignore").rstrip(_EDGES)
