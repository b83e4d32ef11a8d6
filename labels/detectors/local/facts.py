"""Labels that are true by definition: from the photo's shape, its measured light and colours, and its EXIF.

Values from EXIF come from strangers' files: what is missing, of another type or impossible gives no label.
"""

import calendar
import math
import re
import sys
import unicodedata
from datetime import datetime
from functools import partial

from labels.detectors.local.quality import Quality
from labels.detectors.local.taxonomy import COLOURS_AND_COMPOSITION, PHOTO_FACTS, SCENES, labelled

MONTHS = tuple(calendar.month_name)[1:]
# Light values of the usual exposure tables, e.g. ANSI PH2.7-1986: homes at night EV 5-7, lit streets 4 and
# less; overcast sky 12, full sun 15. Between them lie offices, stages and dusk, of which nothing is said.
LOW_LIGHT_BELOW, BRIGHT_LIGHT_FROM = 5.0, 12.0
EDITORS = re.compile("photoshop|lightroom|gimp|darktable|capture one|snapseed|affinity|rawtherapee")
_fact = partial(labelled, confidence=100, category=PHOTO_FACTS)
_composition = partial(labelled, confidence=100, category=COLOURS_AND_COMPOSITION)


def fact_labels(
    width: int, height: int, colours: list[dict], colourless: bool, quality: Quality, exif: dict
) -> list[dict]:
    labels = [*shape_labels(width, height), *colour_labels(colours, colourless), *light_labels(quality)]
    return labels + (exif_labels(exif) if isinstance(exif, dict) else [])


def shape_labels(width: int, height: int) -> list[dict]:
    if min(width, height) < 1:
        return []
    ratio = max(width, height) / min(width, height)
    # "Landscape" alone is Rekognition's word for scenery.
    names = {
        "Square": ratio <= 1.02,  # cropping by hand misses by a pixel or two
        "Landscape Orientation": width > height and ratio > 1.02,
        "Portrait Orientation": height > width and ratio > 1.02,
        "Panorama": ratio >= 2,
    }
    return [_composition(name, parents=["Orientation"]) for name, is_true in names.items() if is_true]


def colour_labels(colours: list[dict], colourless: bool) -> list[dict]:
    """Return the colours that cover a fifth of the picture, or Black and White when it has none."""
    if colourless:
        return [_composition("Black and White", parents=["Monochrome"])]
    shares = {}
    for colour in colours:
        name = colour["SimplifiedColor"].title()
        shares[name] = shares.get(name, 0) + colour["PixelPercent"]
    names = [name for name, share in sorted(shares.items()) if share >= 20]
    return [_composition(name, parents=["Color"]) for name in names]


def light_labels(quality: Quality) -> list[dict]:
    keys = {"High Key": quality.high_key, "Low Key": quality.low_key}
    labels = [_composition(name) for name, is_true in keys.items() if is_true]
    if quality.is_blurry:  # measured, not defined: the one estimate among the facts
        labels.append(labelled("Blurry", 80, category=COLOURS_AND_COMPOSITION))
    return labels


def exif_labels(exif: dict) -> list[dict]:
    """Return when, with what and in what light a photo was taken, as far as its file says."""
    exposure_time, flash, software = exif.get("exposure_time"), exif.get("flash"), exif.get("software")
    light = light_value(exposure_time, exif.get("f_number"), exif.get("iso"))
    focal_length = _positive(exif.get("focal_length_35mm"))
    facts = {
        "Low Light": light is not None and light < LOW_LIGHT_BELOW,
        "Bright Light": light is not None and light >= BRIGHT_LIGHT_FROM,
        "Long Exposure": (_positive(exposure_time) or 0) >= 0.25,
        "Flash": type(flash) is int and flash > 0 and flash & 1,
        "Edited": isinstance(software, str) and EDITORS.search(software.lower()),
    }
    lenses = {
        "Wide-Angle Lens": focal_length and focal_length < 35,  # mm of 35 mm film
        "Telephoto Lens": focal_length and focal_length > 70,
    }
    return [
        *_date_labels(exif.get("taken_at")),
        *_camera_labels(exif.get("make"), exif.get("model")),
        *(_fact(name) for name, is_true in facts.items() if is_true),
        *(_fact(name, parents=["Lens"]) for name, is_true in lenses.items() if is_true),
    ]


def light_value(exposure_time, f_number, iso) -> float | None:
    """Return EV100 = log2(N^2 / t x 100 / ISO) of seconds, f-number and ISO, or None when one is unusable."""
    seconds, stop, speed = _positive(exposure_time), _positive(f_number), _positive(iso)
    if not (seconds and stop and speed):
        return None
    # A sum of logarithms: the quotient of hostile numbers could overflow.
    return 2 * math.log2(stop) - math.log2(seconds) + math.log2(100) - math.log2(speed)


def _date_labels(taken_at) -> list[dict]:
    try:
        moment = datetime.fromisoformat(taken_at.strip())
    except (AttributeError, TypeError, ValueError):  # no text, or no date
        return []
    if moment.year < 1826:  # the first photograph
        return []
    year, month = str(moment.year), MONTHS[moment.month - 1]
    return [_fact(year, parents=["Year"]), _fact(month, parents=["Month"])]


def _camera_labels(make, model) -> list[dict]:
    """Return make and model as people say them: "Canon EOS 5D", not "Canon Canon EOS 5D"."""
    make, model = _clean(make), _clean(model)
    if not model:
        return []
    brand = make.split(" ")[0] if make else ""
    name = model if model.lower().startswith(brand.lower()) else f"{brand} {model}"
    name = name[:50].strip()  # Rekognition's own filters take no longer names
    # A model called "Sky" or "2024" would pass for what it is not.
    if name in SCENES or name in MONTHS or name.isdigit():
        return []
    return [_fact(name, parents=["Taken With"])]


def _clean(text) -> str:
    """Return text without control and private characters, its spaces single; empty when it is no text."""
    if not isinstance(text, str):
        return ""
    kept = "".join(" " if unicodedata.category(char).startswith(("C", "Z")) else char for char in text[:1000])
    return " ".join(unicodedata.normalize("NFC", kept).split())


def _positive(value) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value <= sys.float_info.max else None
