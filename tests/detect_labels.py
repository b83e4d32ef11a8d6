"""The flags of article 001 as DetectLabels answers: the figures are the article's, the shape is Amazon's."""


def label(name, confidence, parents=(), categories=(), boxes=(), aliases=()):
    """Return one label in DetectLabels' shape; `boxes` are shares: left, top, width, height."""
    return {
        "Name": name,
        "Confidence": confidence,
        "Instances": [
            {
                "BoundingBox": dict(zip(("Left", "Top", "Width", "Height"), box, strict=True)),
                "Confidence": confidence,
            }
            for box in boxes
        ],
        "Parents": [{"Name": parent} for parent in parents],
        "Aliases": [{"Name": alias} for alias in aliases],
        "Categories": [{"Name": category} for category in categories],
    }


def answer(*labels):
    return {"Labels": list(labels), "LabelModelVersion": "3.0"}


def american(confidence):
    """What Rekognition says of a flag with stripes, of whichever country."""
    symbols = ("Symbols and Flags",)
    return answer(
        label("American Flag", confidence, ("Flag", "Symbol"), symbols),
        label("Flag", confidence, ("Symbol",), symbols),
        label("Symbol", confidence, (), symbols),
    )


# Four photos and drawings of the American flag, one of Cuba's, one of Italy's, two of Malaysia's.
FLAGS = {
    "us drawing": american(92.5),
    "us photo 1": american(76.2),
    "us photo 2": american(79.5),
    "us photo 3": american(70.1),
    "cuba": american(82.5),
    "italy": american(87.66943359375),
    "malaysia drawing": american(92.4),
    "malaysia photo": american(83.8),
}
_ARMS = ("Weapons and Military",)
PORTUGAL = answer(
    label("Dynamite", 88.3, ("Weapon", "Bomb", "Weaponry"), _ARMS),
    label("Bomb", 88.3, ("Weapon", "Weaponry"), _ARMS),
    label("Weapon", 88.3, (), _ARMS),
    label("Weaponry", 88.3, ("Weapon",), _ARMS),
)
UKRAINE = answer(
    label("Home Decor", 95.2, (), ("Home and Indoors",)),
    label("Texture", 61.0, (), ("Patterns and Shapes",)),
)
