"""Drawings in flat colours are distinguished from photos, and what could be a flag is only suggested."""

import pytest
from PIL import Image, ImageDraw, ImageFilter

from labels.detectors.base import Picture
from labels.detectors.local.detector import LocalDetector
from labels.detectors.local.graphics import measure_flatness
from labels.detectors.local.pixels import decode
from labels.pictures import redrawing
from tests.detectors.pictures import by_name, jpeg, noise, picture, plain, stripes

RED, WHITE, GREEN, BLUE = (206, 43, 55), (255, 255, 255), (0, 146, 70), (0, 56, 147)


def tricolour(size=(600, 400), colours=(GREEN, WHITE, RED)) -> Image.Image:
    image = Image.new("RGB", size)
    draw = ImageDraw.Draw(image)
    for i, colour in enumerate(colours):
        draw.rectangle((size[0] * i // 3, 0, size[0], size[1]), fill=colour)
    return image


def chart() -> Image.Image:
    """Return bars over an axis on white paper."""
    image = plain(WHITE, (640, 480))
    draw = ImageDraw.Draw(image)
    for i, height in enumerate((120, 260, 90, 310)):
        draw.rectangle((80 + 120 * i, 440 - height, 130 + 120 * i, 440), fill=BLUE)
    draw.line((60, 440, 600, 440), fill=(0, 0, 0), width=3)
    return image


def ramp() -> Image.Image:
    """Return a colour that runs evenly into another, as a sky does, above a hard dark edge."""
    image = Image.linear_gradient("L").resize((640, 480)).convert("RGB")
    ImageDraw.Draw(image).rectangle((0, 400, 640, 480), fill=(20, 20, 20))
    return image


@pytest.mark.parametrize(
    ("image", "is_graphic"),
    [
        pytest.param(tricolour(), True, id="flag"),
        pytest.param(chart(), True, id="chart"),
        pytest.param(stripes(), True, id="stripes"),
        pytest.param(tricolour((64, 40)), True, id="icon"),
        pytest.param(tricolour().filter(ImageFilter.GaussianBlur(40)), False, id="the flag out of focus"),
        pytest.param(noise(), False, id="noise"),
        pytest.param(ramp(), False, id="ramp"),
        pytest.param(plain(), False, id="one colour: who could tell?"),
        pytest.param(plain(size=(1, 1)), False, id="one pixel"),
        pytest.param(noise((3, 1280)), False, id="sliver"),
    ],
)
def test_few_even_colours_with_hard_borders_are_a_graphic(image, is_graphic):
    assert measure_flatness(image).is_graphic == is_graphic
    assert ("Graphic" in by_name(LocalDetector().detect(picture(image)))) == is_graphic


@pytest.mark.parametrize("quality", [95, 85, 70])
def test_what_jpeg_does_to_it_does_not_matter(quality):
    assert measure_flatness(decode(jpeg(tricolour(), quality))).is_graphic


@pytest.mark.parametrize(
    ("image", "is_flag"),
    [
        pytest.param(tricolour(), True, id="flag"),
        pytest.param(tricolour((400, 400), (RED, WHITE, RED)), True, id="square, like Switzerland's"),
        pytest.param(tricolour((400, 600)), False, id="upright"),
        pytest.param(tricolour((1200, 300)), False, id="too long"),
        pytest.param(chart(), False, id="mostly paper"),
        pytest.param(stripes(), False, id="black and white"),
    ],
)
def test_a_flag_is_suggested_and_never_shown_unseen(image, is_flag):
    labels = by_name(LocalDetector().detect(picture(image)))

    assert ("Flag" in labels) == is_flag
    assert ("Symbol" in labels) == is_flag
    if is_flag:
        assert labels["Flag"]["Confidence"] < 50
        assert labels["Flag"]["Parents"] == [{"Name": "Symbol"}]


def answer(path):
    with path.open("rb") as file:
        image = redrawing.upright(file)
    return by_name(LocalDetector().detect(Picture(redrawing.rendition(image), *image.size)))


def test_real_flags_are_graphics_on_which_no_scene_is_shown(shared):
    answers = [answer(path) for path in sorted((shared / "flags").glob("*.png"))[::8]]

    assert sum("Graphic" in labels for labels in answers) >= 0.9 * len(answers)
    assert sum("Flag" in labels for labels in answers) >= 0.85 * len(answers)
    shown = {
        name
        for labels in answers
        if "Graphic" in labels
        for name in labels
        if labels[name]["Confidence"] >= 50
    }
    assert shown.isdisjoint({"Sky", "Vegetation", "Plant", "Building", "Nature", "Outdoors", "Architecture"})


def test_no_real_photo_is_a_graphic(shared):
    for path in sorted((shared / "photos").glob("*.jpg")):
        with path.open("rb") as file:
            flatness = measure_flatness(decode(redrawing.rendition(redrawing.upright(file))))
        assert not flatness.is_graphic, path.name
