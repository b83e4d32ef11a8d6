"""What the camera wrote into the file: when, with what, and how it was held."""

import math
from datetime import UTC, datetime

from PIL import ExifTags

from labels.pictures.decoding import BrokenPicture, reading

_DATES = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized, ExifTags.Base.DateTime)
_NUMBERS = {
    "exposure_time": (ExifTags.Base.ExposureTime, float),
    "f_number": (ExifTags.Base.FNumber, float),
    "iso": (ExifTags.Base.ISOSpeedRatings, int),
    "flash": (ExifTags.Base.Flash, int),
    "focal_length_35mm": (ExifTags.Base.FocalLengthIn35mmFilm, int),
}
_TEXTS = {"make": ExifTags.Base.Make, "model": ExifTags.Base.Model, "software": ExifTags.Base.Software}


def camera_facts(picture):
    """Return the fields that Photo has from the camera; whatever is missing or makes no sense is left out."""
    tags = _tags(picture)
    exif = {key: text for key, tag in _TEXTS.items() if (text := _text(tags.get(tag)))}
    numbers = {key: _number(tags.get(tag), kind) for key, (tag, kind) in _NUMBERS.items()}
    exif |= {key: number for key, number in numbers.items() if number is not None}
    taken_at = next((moment for tag in _DATES if (moment := _moment(tags.get(tag)))), None)
    if taken_at:
        exif["taken_at"] = taken_at.replace(tzinfo=None).isoformat()
    orientation = _number(tags.get(ExifTags.Base.Orientation), int)
    return {
        "orientation": orientation if orientation in range(1, 9) else 1,
        "taken_at": taken_at,
        "camera": _camera(exif.get("make", ""), exif.get("model", "")),
        "exif": exif,
    }


def _tags(picture):
    """Return all tags in one dict, empty when the EXIF block itself is broken: the photo is still one."""
    try:
        with reading():
            exif = picture.getexif()
            return {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    except BrokenPicture:
        return {}


def _text(value):
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:100]


def _number(value, kind):
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return kind(number) if math.isfinite(number) else None


def _moment(value):
    """Return the wall clock as if in UTC, or None for the blanks and zeros that cameras write."""
    try:
        moment = datetime.strptime(_text(value)[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    # The first photograph was taken in 1826.
    return moment if 1826 <= moment.year <= 2100 else None


def _camera(make, model):
    """Return "NIKON D90" for ("NIKON CORPORATION", "NIKON D90"): many models repeat their maker."""
    if not model or not make or model.split()[0].casefold() == make.split()[0].casefold():
        return (model or make)[:120]
    return f"{make} {model}"[:120]
