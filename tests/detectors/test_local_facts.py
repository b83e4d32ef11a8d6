"""Facts are right by definition, so each is tested at its border, exactly."""

import math

import numpy as np
import pytest
from PIL import Image, ImageFilter

from labels.detectors.local import facts, palette, quality
from labels.detectors.local.pixels import to_lab
from tests.detectors.pictures import noise, plain, stripes


def names(labels):
    return {label["Name"] for label in labels}


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        pytest.param(3000, 2000, {"Landscape Orientation"}, id="wide"),
        pytest.param(2000, 3000, {"Portrait Orientation"}, id="tall"),
        pytest.param(2000, 2000, {"Square"}, id="square"),
        pytest.param(1020, 1000, {"Square"}, id="square but for two per cent"),
        pytest.param(1021, 1000, {"Landscape Orientation"}, id="just not square"),
        pytest.param(2000, 1000, {"Landscape Orientation", "Panorama"}, id="panorama from two to one"),
        pytest.param(1999, 1000, {"Landscape Orientation"}, id="just no panorama"),
        pytest.param(81, 4000, {"Portrait Orientation", "Panorama"}, id="upright panorama"),
        pytest.param(1, 1, {"Square"}, id="one pixel"),
        pytest.param(0, 100, set(), id="no width"),
    ],
)
def test_orientation_follows_from_the_sides(width, height, expected):
    assert names(facts.shape_labels(width, height)) == expected


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        pytest.param((255, 0, 0), "red", id="red"),
        pytest.param((255, 140, 0), "orange", id="orange"),
        pytest.param((255, 230, 0), "yellow", id="yellow"),
        pytest.param((0, 160, 0), "green", id="green"),
        pytest.param((0, 200, 200), "cyan", id="cyan"),
        pytest.param((0, 0, 255), "blue", id="blue"),
        pytest.param((135, 206, 235), "blue", id="sky blue"),
        pytest.param((128, 0, 128), "purple", id="purple"),
        pytest.param((255, 105, 180), "pink", id="hot pink"),
        pytest.param((250, 128, 114), "pink", id="salmon"),
        pytest.param((139, 69, 19), "brown", id="saddle brown"),
        pytest.param((210, 180, 140), "brown", id="tan"),
        pytest.param((0, 0, 0), "black", id="black"),
        pytest.param((128, 128, 128), "gray", id="gray"),
        pytest.param((255, 255, 255), "white", id="white"),
    ],
)
def test_a_plain_picture_has_one_dominant_colour_of_that_name(colour, expected):
    found = palette.dominant_colours(palette.thumbnail(plain(colour)))

    assert [(one["SimplifiedColor"], one["PixelPercent"]) for one in found] == [(expected, 100.0)]
    assert (found[0]["Red"], found[0]["Green"], found[0]["Blue"]) == pytest.approx(colour, abs=1)
    assert found[0]["HexCode"] == "#{Red:02x}{Green:02x}{Blue:02x}".format(**found[0])


def test_every_colour_of_the_cube_gets_one_of_twelve_names():
    levels = range(0, 256, 51)
    cube = [(red, green, blue) for red in levels for green in levels for blue in levels]

    found = {palette.simple_name(tuple(lab)) for lab in to_lab(np.array(cube, np.uint8))}

    assert found == set(palette.NAMES)
    assert len(palette.NAMES) == 12


def test_colours_that_cover_a_fifth_are_named_and_smaller_ones_are_not():
    image = plain((0, 0, 255), (100, 100))
    image.paste((255, 0, 0), (0, 0, 100, 30))
    image.paste((255, 230, 0), (0, 30, 100, 45))

    labels = facts.colour_labels(palette.dominant_colours(palette.thumbnail(image)), colourless=False)

    assert names(labels) == {"Blue", "Red"}
    assert all(label["Parents"] == [{"Name": "Color"}] for label in labels)


def test_two_shades_of_one_colour_are_added_up():
    colours = [
        {"SimplifiedColor": "blue", "PixelPercent": 12.0},
        {"SimplifiedColor": "blue", "PixelPercent": 8.0},
    ]

    assert names(facts.colour_labels(colours, colourless=False)) == {"Blue"}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param(noise().convert("L").convert("RGB"), True, id="greyscale"),
        pytest.param(noise(), False, id="colour noise"),
        pytest.param(plain((128, 110, 90)), False, id="sepia is a colour"),
        pytest.param(plain((130, 120, 112)), False, id="so is a faint tint"),
        pytest.param(plain((122, 121, 118)), True, id="the camera's white balance is not"),
    ],
)
def test_colourless_means_shades_of_grey(image, expected):
    assert palette.is_colourless(palette.thumbnail(image)) is expected


def test_a_small_red_thing_keeps_a_grey_picture_from_being_black_and_white():
    image = plain((128, 128, 128), (640, 480))
    image.paste((200, 30, 30), (100, 100, 150, 150))

    assert not palette.is_colourless(palette.thumbnail(image))


def test_a_black_and_white_picture_gets_no_colour_names():
    labels = facts.colour_labels([{"SimplifiedColor": "gray", "PixelPercent": 100.0}], colourless=True)

    assert names(labels) == {"Black and White"}
    assert labels[0]["Parents"] == [{"Name": "Monochrome"}]


@pytest.mark.parametrize(
    ("level", "brightness", "expected"),
    [
        pytest.param(0, 0, {"Low Key"}, id="black"),
        pytest.param(255, 100, {"High Key"}, id="white"),
        pytest.param(119, 50, set(), id="middle grey"),
    ],
)
def test_key_and_brightness_of_plain_pictures(level, brightness, expected):
    measured = quality.measure_quality(plain((level, level, level)))

    assert measured.brightness == pytest.approx(brightness, abs=0.3)
    assert measured.contrast == pytest.approx(0, abs=0.01)
    assert names(facts.light_labels(measured)) == expected


def test_half_black_and_half_white_is_full_contrast():
    measured = quality.measure_quality(stripes())

    assert measured.contrast == pytest.approx(100, abs=1)


def test_three_quarters_of_dark_make_a_low_key_and_a_little_less_does_not():
    image = plain((255, 255, 255), (100, 100))
    image.paste((10, 10, 10), (0, 0, 100, 75))
    assert quality.measure_quality(image).low_key

    image.paste((255, 255, 255), (0, 73, 100, 75))
    assert not quality.measure_quality(image).low_key


def test_a_sharp_picture_is_not_blurry_and_a_blurred_one_is():
    sharp, soft = stripes(), stripes().filter(ImageFilter.GaussianBlur(8))

    assert not quality.measure_quality(sharp).is_blurry
    assert names(facts.light_labels(quality.measure_quality(soft))) == {"Blurry"}


def test_a_sharp_subject_before_a_soft_background_is_not_blurry():
    image = stripes((640, 480), width=48).filter(ImageFilter.GaussianBlur(8))
    image.paste(stripes((100, 100), width=8), (200, 160))

    assert not quality.measure_quality(image).is_blurry


@pytest.mark.parametrize(
    "image", [pytest.param(plain(), id="plain"), pytest.param(plain(size=(8, 400)), id="narrow")]
)
def test_without_an_edge_nothing_is_said_about_focus(image):
    measured = quality.measure_quality(image)

    assert measured.blur is None
    assert not measured.is_blurry


@pytest.mark.parametrize(
    ("exif", "expected"),
    [
        pytest.param({"taken_at": "2024-05-12T14:05:00"}, {"2024", "May"}, id="date"),
        pytest.param({"taken_at": "1826-12-31T00:00:00"}, {"1826", "December"}, id="as old as photography"),
        pytest.param({"taken_at": "1825-12-31T00:00:00"}, set(), id="older than photography"),
        pytest.param({"taken_at": "0000-00-00T00:00:00"}, set(), id="no date"),
        pytest.param({"taken_at": 20240512}, set(), id="date as a number"),
        pytest.param({"make": "Canon", "model": "Canon EOS 5D"}, {"Canon EOS 5D"}, id="make repeated"),
        pytest.param({"make": "NIKON CORPORATION", "model": "NIKON D90"}, {"NIKON D90"}, id="company name"),
        pytest.param(
            {"make": "Apple", "model": "iPhone 12"}, {"Apple iPhone 12"}, id="make missing in model"
        ),
        pytest.param({"model": "X100"}, {"X100"}, id="model only"),
        pytest.param({"make": "Canon"}, set(), id="make only"),
        pytest.param({"model": " a\x00b\x1b[31m\u202ec  d\n"}, {"a b [31m c d"}, id="control characters"),
        pytest.param({"model": "x" * 5000}, {"x" * 50}, id="endless model"),
        pytest.param({"model": "Sky"}, set(), id="camera called like a scene"),
        pytest.param({"model": "May"}, set(), id="camera called like a month"),
        pytest.param({"model": "2024"}, set(), id="camera called like a year"),
        pytest.param({"model": b"D90"}, set(), id="model as bytes"),
        pytest.param({"flash": 1}, {"Flash"}, id="flash fired"),
        pytest.param({"flash": 0x19}, {"Flash"}, id="flash fired in auto mode"),
        pytest.param({"flash": 0x10}, set(), id="flash off"),
        pytest.param({"flash": True}, set(), id="flash as a truth value"),
        pytest.param({"flash": -1}, set(), id="negative flash"),
        pytest.param({"flash": "1"}, set(), id="flash as text"),
        pytest.param({"focal_length_35mm": 34}, {"Wide-Angle Lens"}, id="wide"),
        pytest.param({"focal_length_35mm": 35}, set(), id="not wide any more"),
        pytest.param({"focal_length_35mm": 70}, set(), id="not long yet"),
        pytest.param({"focal_length_35mm": 71}, {"Telephoto Lens"}, id="long"),
        pytest.param({"focal_length_35mm": 0}, set(), id="focal length unknown"),
        pytest.param({"exposure_time": 0.25}, {"Long Exposure"}, id="a quarter of a second"),
        pytest.param({"exposure_time": 0.2}, set(), id="a fifth of a second"),
        pytest.param({"software": "Adobe Photoshop Lightroom 6.0"}, {"Edited"}, id="edited"),
        pytest.param({"software": "Ver.1.02"}, set(), id="firmware"),
        pytest.param({"software": ["GIMP"]}, set(), id="software as a list"),
        pytest.param({}, set(), id="nothing known"),
        pytest.param(None, set(), id="no exif at all"),
    ],
)
def test_exif_gives_exactly_these_labels(exif, expected):
    measured = quality.measure_quality(plain((119, 119, 119)))
    of_exif = names(facts.fact_labels(100, 90, [], False, measured, exif)) - {"Landscape Orientation"}

    assert of_exif == expected


@pytest.mark.parametrize(
    ("exposure_time", "f_number", "iso", "value"),
    [
        pytest.param(1.0, 1.0, 100, 0.0, id="the definition"),
        pytest.param(1 / 128, 16.0, 100, 15.0, id="sunny sixteen"),
        pytest.param(1 / 128, 16.0, 200, 14.0, id="twice the ISO, one stop less light"),
        pytest.param(1e-300, 1e300, 1, None, id="beyond all numbers, but finite"),
    ],
)
def test_light_value_is_log2_of_n_squared_over_t_at_iso_100(exposure_time, f_number, iso, value):
    found = facts.light_value(exposure_time, f_number, iso)

    assert math.isfinite(found)
    assert value is None or found == pytest.approx(value)


@pytest.mark.parametrize("bad", [0, -1, -0.0, math.nan, math.inf, -math.inf, "1/60", None, [], True, 10**400])
@pytest.mark.parametrize("key", ["exposure_time", "f_number", "iso"])
def test_an_impossible_exposure_says_nothing_about_light(key, bad):
    exif = {"exposure_time": 0.125, "f_number": 2.0, "iso": 3200}
    assert "Low Light" in names(facts.exif_labels(exif))

    assert names(facts.exif_labels(exif | {key: bad})) == set()


@pytest.mark.parametrize(
    ("iso", "expected"),
    [
        pytest.param(400, set(), id="EV 12.97 - 2 = 10.97"),
        pytest.param(100, {"Bright Light"}, id="EV 12.97"),
        pytest.param(25600, {"Low Light"}, id="EV 4.97"),
        pytest.param(25000, set(), id="EV 5.00"),
    ],
)
def test_light_is_named_below_5_and_from_12_on(iso, expected):
    assert names(facts.exif_labels({"exposure_time": 1 / 125, "f_number": 8.0, "iso": iso})) == expected


def test_facts_are_certain_and_an_estimate_is_not():
    soft = quality.measure_quality(stripes().filter(ImageFilter.GaussianBlur(8)))
    labels = facts.fact_labels(300, 200, [], True, soft, {"taken_at": "2024-05-12T14:05:00"})

    unsure = {label["Name"] for label in labels if label["Confidence"] < 100}

    assert unsure == {"Blurry"}


def test_measures_do_not_depend_on_the_size_of_a_picture():
    large = stripes((1600, 1200), width=100).filter(ImageFilter.GaussianBlur(6))
    small = large.resize((quality.LONG_SIDE, quality.LONG_SIDE * 3 // 4), Image.Resampling.BOX)

    of_large, of_small = quality.measure_quality(large), quality.measure_quality(small)
    assert of_large.brightness == pytest.approx(of_small.brightness, abs=0.5)
    assert of_large.sharpness == pytest.approx(of_small.sharpness, abs=2)
