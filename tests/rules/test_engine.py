"""What a raw answer means: pure, in a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.pictures import decoding
from labels.rules import engine
from labels.rules.engine import ACTIVE, MAX_NAME, SUGGESTED, Decision, decide
from labels.rules.validation import problems


def _answer(*labels):
    return {"Labels": [{"Name": name, "Confidence": confidence} for name, confidence in labels]}


TABLE = {
    "nothing": ([], []),
    "from the limit on": (
        [("Sky", 55.0), ("Sea", 54.99)],
        [("Sky", 55.0, ACTIVE), ("Sea", 54.99, SUGGESTED)],
    ),
    "surest first": ([("A", 60), ("B", 90)], [("B", 90.0, ACTIVE), ("A", 60.0, ACTIVE)]),
    "then by name": ([("B", 90), ("A", 90)], [("A", 90.0, ACTIVE), ("B", 90.0, ACTIVE)]),
    "twice counts once": ([("Sky", 60), ("Sky", 80), ("Sky", 70)], [("Sky", 80.0, ACTIVE)]),
    "twice in another case": ([("SKY", 60), ("sky", 80)], [("sky", 80.0, ACTIVE)]),
    "spaces": ([("  Blue \n Sky ", 80)], [("Blue Sky", 80.0, ACTIVE)]),
    "blank": ([("", 99), ("   ", 99)], []),
    "as long as may be": ([("x" * MAX_NAME, 99)], [("x" * MAX_NAME, 99.0, ACTIVE)]),
    "too long": ([("x" * (MAX_NAME + 1), 99)], []),
    "too long when folded": ([("ß" * MAX_NAME, 99)], []),
}


@pytest.mark.parametrize(("labels", "decisions"), TABLE.values(), ids=TABLE)
def test_an_answer_becomes_decisions(labels, decisions):
    assert decide(_answer(*labels), 55.0) == [Decision(*decision) for decision in decisions]


def test_parents_come_along():
    answer = {"Labels": [{"Name": "Dog", "Confidence": 99, "Parents": [{"Name": "Animal"}, {"Name": "Pet"}]}]}

    [decision] = decide(answer, 55.0)

    assert decision.parents == ("Animal", "Pet")


def test_a_parent_that_is_no_name_is_left_out():
    parents = [{"Name": " "}, {"Name": "x" * 101}, {"Name": " Land  animal "}]

    [decision] = decide({"Labels": [{"Name": "Dog", "Confidence": 99, "Parents": parents}]}, 55.0)

    assert decision.parents == ("Land animal",)


def test_an_answer_without_labels_decides_nothing():
    assert decide({}, 55.0) == []


def test_what_is_folded_to_one_label_is_decided_once():
    # NFC and NFD of the same name: two decisions would be two rows for one label.
    decisions = decide(_answer(("Caf\u00e9", 80), ("Cafe\u0301", 90)), 55.0)

    assert [decision.confidence for decision in decisions] == [90.0]


_LABELS = st.lists(st.tuples(st.text(max_size=120), st.floats(0, 100)), max_size=20)


@given(_LABELS, st.floats(0, 100))
def test_every_answer_gives_sorted_decisions_that_fit_the_row(labels, limit):
    decisions = decide(_answer(*labels), limit)

    assert [d.confidence for d in decisions] == sorted((d.confidence for d in decisions), reverse=True)
    assert all(0 < len(d.name) <= MAX_NAME and d.name == " ".join(d.name.split()) for d in decisions)
    assert all(d.active == (d.confidence >= limit) for d in decisions)


@pytest.mark.parametrize(
    ("match", "pattern", "circle"),
    [
        ("category", "Animals", "Dog → Pet → Dog"),
        ("ancestor", "Animal", "Dog → Pet → Dog"),
        ("category", "Plants", ""),
    ],
)
def test_a_circle_through_a_category_or_what_is_above_is_seen(match, pattern, circle):
    back = engine.Rule("back", engine.REPLACE, (pattern,), match, target="Dog")
    forth = engine.Rule("forth", engine.REPLACE, ("Dog",), target="Pet")

    def place(name):
        return (("Animal",), ("Animals",)) if name == "Pet" else ((), ())

    wrong = problems(back, [forth], place=place)

    assert [text for _, text in wrong] == ([f"This would go round in a circle: {circle}."] if circle else [])
    rest = engine.Rule("rest", engine.REPLACE, (pattern,), match, target="Pet")
    assert problems(rest, place=place) == []


@pytest.mark.parametrize(
    ("format_name", "kind"),
    [
        *[(name, engine.PHOTO) for name in ("JPEG", "HEIC", "TIFF")],
        *[(name, engine.GRAPHIC) for name in ("PNG", "BMP", "WebP")],
    ],
)
def test_without_a_camera_the_format_tells_photos_from_drawings(format_name, kind):
    assert engine.photo_kind(format_name, "", {}) == kind
    assert engine.photo_kind(format_name, "NIKON D750", {}) == engine.PHOTO


def test_every_format_of_intake_is_known_here():
    assert {name for name, _ in decoding.FORMATS.values()} >= engine._CAMERA_FORMATS
