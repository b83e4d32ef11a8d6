"""Labels in DetectLabels' shape: names, parents, aliases and categories."""

import tomllib
from pathlib import Path

COLOURS_AND_COMPOSITION = "Colors and Visual Composition"
PHOTO_FACTS = "Photo Facts"  # ours: Rekognition does not look at EXIF

SCENES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


def labelled(name: str, confidence: float, parents=(), aliases=(), category: str = "") -> dict:
    return {
        "Name": name,
        "Confidence": round(float(confidence), 2),
        "Instances": [],
        "Parents": [{"Name": parent} for parent in parents],
        "Aliases": [{"Name": alias} for alias in aliases],
        "Categories": [{"Name": category}],
    }


def scene_label(name: str, confidence: float) -> dict:
    return labelled(name, confidence, *SCENES[name])


def with_ancestors(labels: list[dict]) -> list[dict]:
    """Return the labels and the scenes among their ancestors, as sure as their surest descendant.

    The parent of a fact ("Year" of "2024") is true of nearly every photo, and so no label of its own.
    """
    found = {}
    for label in labels:
        # A camera may be called anything, even "Sky": whoever was first keeps the name.
        found.setdefault(label["Name"], label)
    for label in list(found.values()):
        for parent in label["Parents"]:
            name, confidence = parent["Name"], label["Confidence"]
            if name in SCENES and name not in found:
                found[name] = scene_label(name, confidence)
            elif name in found and found[name]["Confidence"] < confidence:
                found[name] = found[name] | {"Confidence": confidence}
    return sorted(found.values(), key=lambda label: (-label["Confidence"], label["Name"]))
