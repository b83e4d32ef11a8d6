"""The embedded detector as the application meets it: the shape of its response, and every odd picture."""

import ast
import dataclasses
import hashlib
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from labels.detectors.base import PhotoRefused
from labels.detectors.local import scenes
from labels.detectors.local.detector import LocalDetector
from labels.detectors.local.features import describe
from labels.detectors.local.taxonomy import SCENES, labelled, scene_label, with_ancestors
from tests.detectors.pictures import by_name, jpeg, noise, picture, plain, stripes

LABEL_KEYS = {"Name", "Confidence", "Instances", "Parents", "Aliases", "Categories"}
COLOUR_KEYS = {"Red", "Green", "Blue", "HexCode", "SimplifiedColor", "PixelPercent"}
EXIF = {
    "taken_at": "2024-05-12T14:05:00",
    "make": "Canon",
    "model": "Canon EOS 5D",
    "exposure_time": 0.5,
    "f_number": 2.8,
    "iso": 800,
    "flash": 1,
    "focal_length_35mm": 24,
    "software": "GIMP 2.10",
}


def meadow(size=(640, 480)) -> Image.Image:
    """Return a blue gradient over grass: no photo, but nobody would call it anything else."""
    width, height = size
    random = np.random.RandomState(3)
    rows = np.linspace(0, 1, height)[:, None, None]
    sky = np.array([70, 130, 210]) + rows * np.array([130, 90, 40]) + np.zeros((height, width, 3))
    grass = np.array([60, 120, 30]) + random.normal(0, 28, (height, width, 1)) * np.array([1, 1.2, 0.6])
    values = np.where(rows < 0.5, sky, grass)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def house(size=(640, 480)) -> Image.Image:
    """Return a block of flats: level rows of dark windows in a pale wall under a sky, with grain."""
    image = plain((150, 180, 220), size)
    draw = ImageDraw.Draw(image)
    draw.rectangle((60, 80, 580, 470), fill=(205, 195, 180))
    for top in range(100, 450, 45):
        for left in range(80, 560, 40):
            draw.rectangle((left, top, left + 22, top + 28), fill=(60, 65, 75), outline=(240, 235, 225))
    grain = np.random.RandomState(5).normal(0, 8, (size[1], size[0], 1))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


PICTURES = [
    pytest.param(meadow(), id="meadow"),
    pytest.param(house(), id="house"),
    pytest.param(noise(), id="noise"),
    pytest.param(stripes(), id="stripes"),
    pytest.param(plain((0, 0, 0)), id="black"),
    pytest.param(plain((255, 255, 255)), id="white"),
    pytest.param(noise().convert("L"), id="greyscale"),
    pytest.param(noise().convert("CMYK"), id="CMYK"),
    pytest.param(plain(size=(1, 1)), id="one pixel"),
    pytest.param(noise((80, 80)), id="Rekognition's least size"),
    pytest.param(noise((4000, 81)), id="panorama"),
    pytest.param(noise((3, 1280)), id="sliver"),
]


@pytest.mark.parametrize("image", PICTURES)
def test_the_response_about_any_picture_is_in_the_shape_of_detect_labels(image):
    response = LocalDetector().detect(picture(image, exif=EXIF))

    assert set(response) == {"Labels", "LabelModelVersion", "ImageProperties"}
    assert response["LabelModelVersion"] == "embedded-2"
    assert response["Labels"]
    for label in response["Labels"]:
        assert_is_a_label(label)
    assert_are_properties(response["ImageProperties"])


def assert_is_a_label(label):
    assert set(label) == LABEL_KEYS
    assert type(label["Name"]) is str
    assert 0 < len(label["Name"]) <= 50
    assert type(label["Confidence"]) is float
    assert 0 <= label["Confidence"] <= 100
    assert label["Confidence"] == round(label["Confidence"], 2)
    assert label["Instances"] == []
    for key in ("Parents", "Aliases", "Categories"):
        assert all(set(one) == {"Name"} and type(one["Name"]) is str for one in label[key])
    assert len(label["Categories"]) == 1
    assert label["Categories"][0]["Name"]


def assert_are_properties(properties):
    assert set(properties) == {"Quality", "DominantColors"}
    assert set(properties["Quality"]) == {"Brightness", "Sharpness", "Contrast"}
    assert all(0 <= value <= 100 for value in properties["Quality"].values())
    colours = properties["DominantColors"]
    assert 1 <= len(colours) <= 8
    assert all(set(colour) == COLOUR_KEYS for colour in colours)
    assert sum(colour["PixelPercent"] for colour in colours) <= 100.1


@pytest.mark.parametrize("image", PICTURES)
def test_no_response_holds_a_number_json_does_not_know(image):
    json.dumps(LocalDetector().detect(picture(image, exif=EXIF)), allow_nan=False)


@pytest.mark.parametrize("image", PICTURES)
def test_names_come_once_and_every_scene_above_is_there_and_at_least_as_sure(image):
    response = LocalDetector().detect(picture(image, exif=EXIF))
    labels = by_name(response)

    assert len(labels) == len(response["Labels"])
    for label in labels.values():
        for parent in {parent["Name"] for parent in label["Parents"]} & set(SCENES):
            assert labels[parent]["Confidence"] >= label["Confidence"]


def test_a_kind_of_fact_is_named_as_parent_and_is_no_label():
    labels = by_name(LocalDetector().detect(picture(exif=EXIF)))

    assert labels["2024"]["Parents"] == [{"Name": "Year"}]
    assert {"Year", "Month", "Taken With", "Lens", "Orientation", "Color"}.isdisjoint(labels)


def test_labels_come_surest_first_then_by_name():
    labels = LocalDetector().detect(picture(meadow(), exif=EXIF))["Labels"]

    assert labels == sorted(labels, key=lambda label: (-label["Confidence"], label["Name"]))


def test_the_same_photo_gets_the_same_response_in_another_process():
    code = (
        "import json; from labels.detectors.local.detector import LocalDetector;"
        "from tests.detectors.pictures import noise, picture;"
        "print(json.dumps(LocalDetector().detect(picture(noise()))))"
    )

    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(other.stdout) == LocalDetector().detect(picture(noise()))


def test_the_detector_needs_nothing_but_numpy_and_pillow():
    imported = set()
    # The training draws photos as a worker does; whoever only detects never imports it.
    for path in set(scenes.MODEL_FILE.parent.glob("*.py")) - {scenes.MODEL_FILE.with_name("train.py")}:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module)

    foreign = {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}

    assert {name for name in foreign if not name.startswith("labels.detectors.")} == {"numpy", "PIL"}


def test_a_meadow_under_a_sky_is_both_and_no_building():
    labels = by_name(LocalDetector().detect(picture(meadow())))

    assert labels["Sky"]["Confidence"] >= 55
    assert labels["Vegetation"]["Confidence"] >= 55
    assert labels.get("Building", {"Confidence": 0})["Confidence"] < 55
    assert labels["Vegetation"]["Parents"] == [{"Name": "Plant"}]
    assert labels["Plant"]["Confidence"] >= labels["Vegetation"]["Confidence"]
    assert labels["Outdoors"]["Confidence"] == labels["Sky"]["Confidence"]


def test_a_block_of_flats_is_a_building():
    labels = by_name(LocalDetector().detect(picture(house())))

    assert labels["Building"]["Confidence"] >= 55
    assert labels["Building"]["Parents"] == [{"Name": "Architecture"}]


def test_a_mirrored_photo_looks_the_same_to_every_feature():
    image = house((128, 128))
    image.paste(noise((40, 30)), (5, 90))
    straight, mirrored = describe(image), describe(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))

    for view in ("structure", "colour"):
        for group, vector in getattr(straight, view).items():
            # The coarse bands of the gist are sampled every fourth pixel, which a mirror shifts a little.
            assert vector == pytest.approx(getattr(mirrored, view)[group], abs=0.02), group
    cells = mirrored.cells.reshape(8, 8, -1)[:, ::-1].reshape(64, -1)
    assert straight.cells == pytest.approx(cells, abs=1e-3)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GIF89a", id="a header only"),
        pytest.param(b"\xff\xd8\xff\xe0" + b"\x00" * 200, id="a JPEG's first bytes"),
        pytest.param(jpeg(noise())[:5000], id="cut off"),
        pytest.param(b"<html>not a photo</html>", id="a web page"),
    ],
)
def test_what_cannot_be_decoded_is_refused_with_a_sentence_and_a_code(data):
    with pytest.raises(PhotoRefused, match=r"^The photo could not be decoded: .*\.$") as refusal:
        LocalDetector().detect(dataclasses.replace(picture(), jpeg=data))

    assert refusal.value.code == "undecodable"


def test_a_picture_that_unpacks_to_a_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)

    with pytest.raises(PhotoRefused):
        LocalDetector().detect(picture(plain()))


@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(None, id="none"),
        pytest.param({key: float("nan") for key in EXIF}, id="nan"),
        pytest.param(dict.fromkeys(EXIF, -(10**400)), id="huge negatives"),
        pytest.param(dict.fromkeys(EXIF, 0), id="zeros"),
        pytest.param(dict.fromkeys(EXIF, "\x00\ud800"), id="broken text"),
        pytest.param({key: [{}] for key in EXIF}, id="lists"),
        pytest.param(dict.fromkeys(EXIF, b"\xff"), id="bytes"),
        pytest.param({1: 2}, id="foreign keys"),
    ],
)
def test_hostile_exif_adds_no_label(exif):
    assert LocalDetector().detect(picture(exif=exif)) == LocalDetector().detect(picture(exif={}))


def test_a_camera_cannot_pass_for_a_scene():
    labels = by_name(LocalDetector().detect(picture(plain((0, 0, 255)), exif={"model": "Blue"})))

    assert labels["Blue"]["Parents"] == [{"Name": "Color"}]


def test_ancestors_are_added_as_sure_as_their_surest_descendant():
    labels = {
        label["Name"]: label for label in with_ancestors([scene_label("Sky", 70), scene_label("Plant", 20)])
    }
    labels |= {
        label["Name"]: label
        for label in with_ancestors([scene_label("Vegetation", 60), scene_label("Flower", 30)])
    }

    confidences = {name: label["Confidence"] for name, label in labels.items()}

    assert confidences == {
        "Sky": 70,
        "Nature": 70,
        "Outdoors": 70,
        "Vegetation": 60,
        "Plant": 60,
        "Flower": 30,
    }


def test_an_ancestor_that_was_found_itself_keeps_its_own_confidence_if_higher():
    labels = with_ancestors([scene_label("Plant", 90), scene_label("Vegetation", 60)])

    assert [(label["Name"], label["Confidence"]) for label in labels] == [("Plant", 90), ("Vegetation", 60)]


def test_every_parent_of_a_scene_is_a_scene_and_names_its_own_ancestors_too():
    for parents, _, _ in SCENES.values():
        for parent in parents:
            assert set(SCENES[parent][0]) <= set(parents)


def test_the_first_label_of_a_name_keeps_it():
    labels = with_ancestors([labelled("Sky", 70.0, category="a"), labelled("Sky", 100.0, category="b")])

    assert [(label["Confidence"], label["Categories"]) for label in labels] == [(70.0, [{"Name": "a"}])]


def test_confidence_is_55_at_the_operating_point_and_rises_all_the_way():
    steps = [scenes.confidence(p) for p in np.linspace(0, 1, 101)]

    assert scenes.confidence(scenes.OPERATING_POINT) == 55
    assert (steps[0], steps[-1]) == (0, 100)
    assert all(low < high for low, high in zip(steps, steps[1:], strict=False))
    assert scenes.confidence(0.49999) < 55 < scenes.confidence(0.50001)


def test_a_suggestion_never_reaches_50():
    steps = [scenes.suggestion(p) for p in np.linspace(0, 1, 101)]

    assert max(steps) < 50
    assert round(max(steps), 2) < 50
    assert steps == sorted(steps)


def test_only_sky_vegetation_and_building_may_be_accepted():
    arrays = scenes.load_model().arrays

    accepted = {str(name) for name, true in zip(arrays["labels"], arrays["accepted"], strict=True) if true}

    assert accepted == {"Sky", "Vegetation", "Building"}
    assert {str(name) for name in arrays["labels"]} <= set(SCENES)


def test_the_cache_key_names_the_very_model():
    digest = hashlib.sha256(scenes.MODEL_FILE.read_bytes()).hexdigest()

    assert LocalDetector().params == {"model": digest[:12]}
    assert (LocalDetector.name, LocalDetector.version) == ("local", "embedded-2")


def test_the_model_is_small_and_plain_numbers():
    data = scenes.MODEL_FILE.read_bytes()

    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        for name in stored.files:
            assert stored[name].dtype.kind in "fUbS"
            assert stored[name].dtype.kind != "f" or np.isfinite(stored[name]).all()
    assert len(data) < 300_000


@pytest.mark.parametrize("view", ["structure", "colour", "cells"])
def test_a_photo_unlike_any_other_does_not_shout(view):
    arrays = scenes.load_model().arrays
    far = np.full((1, len(arrays[f"{view}_centre"])), 1e9)

    assert (scenes.standardise(far, arrays, view) == scenes.CLIP).all()
    assert (scenes.standardise(-far, arrays, view) == -scenes.CLIP).all()
