"""What the camera wrote: taken for a fact when it makes sense, left out when it does not."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from labels.intake.add import Outcome, add_photo
from labels.intake.exif import camera_facts
from labels.models import Photo
from tests import factory

BASE = ExifTags.Base


class Tagged:
    """A picture that has only EXIF tags: the first folder and its sub-folder in one."""

    def __init__(self, tags):
        self.tags = tags

    def getexif(self):
        exif = Image.Exif()
        exif.update(self.tags)
        return exif


def _facts(**tags):
    return Photo(**camera_facts(Tagged({BASE[name]: value for name, value in tags.items()})))


def _jpeg(first=(), sub=(), size=(64, 48)):
    exif = Image.Exif()
    exif.update({BASE[name]: value for name, value in dict(first).items()})
    exif.get_ifd(ExifTags.IFD.Exif).update({BASE[name]: value for name, value in dict(sub).items()})
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "JPEG", exif=exif.tobytes())
    return file


@pytest.mark.django_db
def test_the_facts_of_a_camera_are_kept_with_the_photo(dan):
    file = _jpeg(
        {"Make": "Canon", "Model": "Canon EOS R5", "Software": "1.2", "DateTime": "2024:06:01 00:00:00"},
        {
            "DateTimeOriginal": "2024:05:12 13:14:15",
            "ExposureTime": IFDRational(1, 250),
            "FNumber": IFDRational(28, 10),
            "ISOSpeedRatings": 400,
            "Flash": 16,
            "FocalLengthIn35mmFilm": 35,
        },
    )

    add_photo(file, "a.jpg", dan)

    photo = Photo.objects.get()
    assert photo.taken_at == photo.shown_at == datetime(2024, 5, 12, 13, 14, 15, tzinfo=UTC)
    assert photo.camera == "Canon EOS R5"
    assert photo.exif == {
        "make": "Canon",
        "model": "Canon EOS R5",
        "software": "1.2",
        "exposure_time": 0.004,
        "f_number": 2.8,
        "iso": 400,
        "flash": 16,
        "focal_length_35mm": 35,
        "taken_at": "2024-05-12T13:14:15",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "TIFF"])
def test_every_format_that_carries_exif_gives_its_moment(dan, kind):
    moment = datetime(2023, 1, 2, 3, 4, 5, tzinfo=UTC)

    photo = factory.photo(dan, format=kind, exif=factory.taken(moment), name="a")

    assert photo.taken_at == moment


@pytest.mark.django_db
def test_a_photo_without_exif_is_taken_as_it_is(dan):
    photo = factory.photo(dan)
    photo.refresh_from_db()

    assert (photo.taken_at, photo.camera, photo.exif, photo.orientation) == (None, "", {}, 1)
    assert photo.shown_at == photo.uploaded_at


@pytest.mark.django_db
@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_are_those_of_the_upright_picture(dan, orientation):
    file = _jpeg({"Orientation": orientation}, size=(60, 40))

    photo = add_photo(file, "a.jpg", dan).photo

    assert photo.orientation == orientation
    assert (photo.width, photo.height) == ((60, 40) if orientation <= 4 else (40, 60))


@pytest.mark.django_db
def test_heic_is_turned_once_and_not_twice(dan):
    file = io.BytesIO()
    exif = Image.Exif()
    exif[BASE.Orientation] = 6
    Image.new("RGB", (60, 40)).save(file, "HEIF", exif=exif.tobytes())
    with Image.open(file) as picture:
        # libheif turns the picture itself and says so by an orientation of 1.
        turned = picture.size

    photo = add_photo(file, "a.heic", dan).photo

    assert (photo.width, photo.height) == turned == (40, 60)
    assert photo.orientation == 1


@pytest.mark.parametrize("orientation", [0, 9, 99, -1, "6 ", "up", (), b"\x06", float("nan")])
def test_an_orientation_that_is_none_counts_as_upright(orientation):
    wanted = 6 if orientation == "6 " else 1

    assert _facts(Orientation=orientation).orientation == wanted


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        pytest.param(
            "2024:05:12 13:14:15", datetime(2024, 5, 12, 13, 14, 15, tzinfo=UTC), id="as the rule says"
        ),
        pytest.param(
            "2024:05:12 13:14:15\0", datetime(2024, 5, 12, 13, 14, 15, tzinfo=UTC), id="ending in zero"
        ),
        pytest.param(b"2024:05:12 13:14:15", datetime(2024, 5, 12, 13, 14, 15, tzinfo=UTC), id="bytes"),
        pytest.param("2024:05:12 13:14:15.50", datetime(2024, 5, 12, 13, 14, 15, tzinfo=UTC), id="fractions"),
        pytest.param("0000:00:00 00:00:00", None, id="zeros"),
        pytest.param("    :  :     :  :  ", None, id="blanks"),
        pytest.param("", None, id="nothing"),
        pytest.param("2024:02:30 13:14:15", None, id="30 February"),
        pytest.param("2024:05:12 25:00:00", None, id="25 o'clock"),
        pytest.param("1825:01:01 00:00:00", None, id="before photography"),
        pytest.param("2101:01:01 00:00:00", None, id="far future"),
        pytest.param("yesterday", None, id="words"),
        pytest.param(20240512, None, id="a number"),
        pytest.param((1, 2), None, id="a pair"),
    ],
)
def test_a_moment_is_taken_only_when_it_is_one(written, moment):
    facts = _facts(DateTimeOriginal=written)

    assert facts.taken_at == moment
    assert ("taken_at" in facts.exif) == bool(moment)


def test_when_it_was_taken_counts_before_when_it_was_changed():
    facts = _facts(
        DateTime="2022:01:01 00:00:00",
        DateTimeDigitized="2021:01:01 00:00:00",
        DateTimeOriginal="2020:01:01 00:00:00",
    )

    assert facts.taken_at.year == 2020


def test_a_senseless_moment_gives_way_to_the_next():
    facts = _facts(DateTime="2022:01:01 00:00:00", DateTimeOriginal="0000:00:00 00:00:00")

    assert facts.taken_at.year == 2022


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        pytest.param("NIKON CORPORATION", "NIKON D90", "NIKON D90", id="maker repeated"),
        pytest.param("Canon", "Canon EOS R5", "Canon EOS R5", id="maker repeated wholly"),
        pytest.param("SONY", "ILCE-7M3", "SONY ILCE-7M3", id="maker and model"),
        pytest.param("Apple", "", "Apple", id="maker only"),
        pytest.param("", "iPhone 15", "iPhone 15", id="model only"),
        pytest.param("", "", "", id="neither"),
        pytest.param("  ", " \0 ", "", id="blanks"),
        pytest.param("Evil\nMaker", "M\x1b[31m1", "Evil Maker M [31m1", id="control characters"),
        pytest.param("M" * 500, "X" * 500, "M" * 100 + " " + "X" * 19, id="endless"),
    ],
)
def test_the_camera_is_named_once(make, model, camera):
    assert _facts(Make=make, Model=model).camera == camera


@pytest.mark.parametrize(
    ("tag", "value", "fact"),
    [
        pytest.param("ISOSpeedRatings", (200, 0), {"iso": 200}, id="first of many"),
        pytest.param("ISOSpeedRatings", (), {}, id="none of none"),
        pytest.param("ISOSpeedRatings", "fast", {}, id="words"),
        pytest.param("ExposureTime", IFDRational(1, 0), {}, id="divided by zero"),
        pytest.param("ExposureTime", IFDRational(0, 0), {}, id="zero by zero"),
        pytest.param("ExposureTime", float("inf"), {}, id="infinite"),
        pytest.param("FNumber", float("nan"), {}, id="no number"),
        pytest.param("Flash", b"\xff\xfe", {}, id="bytes"),
        pytest.param("FNumber", None, {}, id="nothing"),
    ],
)
def test_a_number_that_is_none_is_left_out(tag, value, fact):
    assert _facts(**{tag: value}).exif == fact


@pytest.mark.django_db
@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(b"Exif\0\0", id="nothing behind its mark"),
        pytest.param(b"Exif\0\0" + b"\xff" * 40, id="garbage"),
        pytest.param(b"Exif\0\0II*\0\xff\xff\xff\x7f", id="a folder far outside"),
        pytest.param(b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x01" * 60, id="65,535 entries"),
        pytest.param(b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0", id="a loop"),
    ],
)
def test_hostile_exif_costs_the_facts_and_not_the_photo(dan, exif):
    taken = add_photo(factory.picture(exif=None, **{"quality": 80}) if not exif else _raw(exif), "a.jpg", dan)

    assert (taken.outcome, taken.reason) == (Outcome.IMPORTED, "")
    assert taken.photo.taken_at is None
    assert taken.photo.orientation == 1


def _raw(exif):
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "JPEG", exif=exif)
    return file


_VALUES = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=40),
    st.integers(),
    st.floats(),
    st.none(),
    st.tuples(st.integers(), st.integers()),
    st.builds(IFDRational, st.integers(-9, 9), st.integers(-9, 9)),
)


@given(tags=st.dictionaries(st.sampled_from(["Make", "Model", "Software", "Orientation", "Flash", "FNumber",
       "DateTimeOriginal", "DateTime", "ExposureTime", "ISOSpeedRatings"]), _VALUES))  # fmt: skip
@hypothesis_settings(max_examples=300, deadline=None)
def test_no_tags_make_the_facts_raise_or_unfit_for_the_row(tags):
    facts = _facts(**tags)

    assert facts.orientation in range(1, 9)
    assert len(facts.camera) <= 120
    assert facts.camera.isprintable()
    assert all(value == value and abs(value) != float("inf")
               for value in facts.exif.values() if isinstance(value, float))  # fmt: skip
