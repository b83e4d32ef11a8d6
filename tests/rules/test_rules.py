"""Rules: what each of them does, in a table; the flags of article 001 with the rules that are shipped."""

import json
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from labels.models import LabelRule, Photo, RuleVersion
from labels.rules.engine import ACTIVE, HIDDEN, REVIEW, SUGGESTED, Rule, Setting, decide
from labels.rules.validation import problems
from labels.selection.predicate import Selection, photos
from tests import detect_labels, factory
from tests.detect_labels import answer, label

PET = answer(
    label("Dog", 90, ("Animal", "Pet"), ("Animals and Pets",), boxes=[(0, 0, 0.5, 0.4)]),
    label("Pet", 90, ("Animal",), ("Animals and Pets",)),
    label("Animal", 95, (), ("Animals and Pets",)),
    label("Sky", 60, (), ("Nature and Outdoors",)),
)
ALL = {"Dog": ACTIVE, "Pet": ACTIVE, "Animal": ACTIVE, "Sky": ACTIVE}


def _rule(action, *patterns, **fields):
    return Rule(name="a rule", action=action, patterns=patterns, **fields)


TABLE = {
    "none": ([], ALL),
    "hide a label": ([_rule("hide", "sky")], {**ALL, "Sky": HIDDEN}),
    "hide a category": (
        [_rule("hide", "Animals and Pets", match="category")],
        {"Dog": HIDDEN, "Pet": HIDDEN, "Animal": HIDDEN, "Sky": ACTIVE},
    ),
    "hide what is below": (
        [_rule("hide", "Animal", match="ancestor")],
        # Animal is surer than its children: it was seen on its own.
        {**ALL, "Dog": HIDDEN, "Pet": HIDDEN},
    ),
    "hide by pattern": ([_rule("hide", "s?y", match="glob")], {**ALL, "Sky": HIDDEN}),
    "a parent goes with its only child": ([_rule("hide", "Dog")], {**ALL, "Dog": HIDDEN, "Pet": HIDDEN}),
    "a parent with a rule of its own stays": (
        [_rule("hide", "Dog"), _rule("accept", "Pet")],
        {**ALL, "Dog": HIDDEN},
    ),
    "accept from a higher limit": ([_rule("accept", "Sky", min_confidence=61)], {**ALL, "Sky": SUGGESTED}),
    "replace by a new one": (
        [_rule("replace", "Dog", target="Hound")],
        {**ALL, "Dog": HIDDEN, "Hound": ACTIVE},
    ),
    "replace by one that is there": ([_rule("replace", "Sky", target="Dog")], {**ALL, "Sky": HIDDEN}),
    "replace, from a higher limit": (
        [_rule("replace", "Sky", target="Air", min_confidence=61)],
        {**ALL, "Sky": HIDDEN, "Air": SUGGESTED},
    ),
    "replace in two steps": (
        [_rule("replace", "Sky", target="Air"), _rule("replace", "Air", target="Gas")],
        {**ALL, "Sky": HIDDEN, "Air": HIDDEN, "Gas": ACTIVE},
    ),
    "replace by what is hidden": (
        [_rule("replace", "Sky", target="Air"), _rule("hide", "Air")],
        {**ALL, "Sky": HIDDEN, "Air": HIDDEN},
    ),
    "roll up to the nearest parent": ([_rule("roll_up", "Dog")], {**ALL, "Dog": HIDDEN}),
    "roll up to a named one": (
        [_rule("roll_up", "Dog", target="Being")],
        {**ALL, "Dog": HIDDEN, "Being": ACTIVE},
    ),
    "drop children": ([_rule("drop_children", "Pet")], {**ALL, "Dog": HIDDEN}),
    "review takes parents along": (
        [_rule("review", "Dog")],
        {**ALL, "Dog": REVIEW, "Pet": REVIEW},
    ),
    "too unsure for review": ([_rule("review", "Sky", min_confidence=70)], {**ALL, "Sky": HIDDEN}),
    "only beside a label that is there": (
        [_rule("hide", "Sky", requires_any=("dog",))],
        {**ALL, "Sky": HIDDEN},
    ),
    "only beside a label that is not": ([_rule("hide", "Sky", requires_any=("Sea",))], ALL),
    "not beside a label": ([_rule("hide", "Sky", unless_any=("Dog", "Sea"))], ALL),
    "large enough a box": (
        [_rule("accept", "Dog", min_confidence=99, min_box_area=0.2)],
        {**ALL, "Dog": SUGGESTED},
    ),
    "too small a box": ([_rule("accept", "Dog", min_confidence=99, min_box_area=0.21)], ALL),
    "no box": ([_rule("hide", "Sky", min_box_area=0.0)], {**ALL, "Sky": HIDDEN}),
    "of another kind of picture": ([_rule("hide", "Sky", photo_is="graphic")], ALL),
    "of this kind of picture": ([_rule("hide", "Sky", photo_is="photo")], {**ALL, "Sky": HIDDEN}),
    "of another detector": ([_rule("hide", "Sky", detector="local")], ALL),
    "of this detector": ([_rule("hide", "Sky", detector="rekog*", version="3.*")], {**ALL, "Sky": HIDDEN}),
    "of another version": ([_rule("hide", "Sky", version="2.*")], ALL),
    "the first that matches": ([_rule("accept", "Sky"), _rule("hide", "Sky")], ALL),
}


@pytest.mark.parametrize(("rules", "outcomes"), TABLE.values(), ids=TABLE)
def test_what_rules_make_of_an_answer(rules, outcomes):
    decisions = decide(PET, 55, rules, Setting("rekognition", "3.0"))

    assert {decision.name: decision.outcome for decision in decisions} == outcomes


def test_every_decision_names_its_rule_and_what_it_did():
    flag, people = _rule("replace", "American Flag", target="Flag"), _rule("review", "Symbol")
    decisions = {d.name: d for d in decide(detect_labels.american(87.6), 55, [flag, people])}

    assert (decisions["American Flag"].rule, decisions["American Flag"].why) == (flag, "replaced by Flag")
    assert decisions["Symbol"].rule == people
    assert decisions["Flag"].rule is None  # Amazon said so itself, and no less surely.


def test_rules_that_go_in_a_circle_end():
    rules = [_rule("replace", "Sky", target="Air"), _rule("replace", "Air", target="Sky")]

    assert {d.name: d.outcome for d in decide(answer(label("Sky", 90)), 55, rules)} == {
        "Sky": ACTIVE,
        "Air": HIDDEN,
    }


_NAMES = st.sampled_from(["A", "B", "C", "D", "E"])
_LABELS = st.lists(st.builds(label, _NAMES, st.floats(0, 100), st.lists(_NAMES, max_size=2)), max_size=6)
_RULES = st.lists(
    st.builds(
        _rule,
        st.sampled_from(["accept", "hide", "replace", "roll_up", "drop_children", "review"]),
        _NAMES,
        match=st.sampled_from(["label", "ancestor", "glob"]),
        target=st.sampled_from(["", "A", "B", "F"]),
        min_confidence=st.none() | st.floats(0, 100),
    ).filter(lambda rule: rule.action != "replace" or rule.target),
    max_size=6,
)


@given(_LABELS, _RULES)
def test_any_rules_on_any_answer_end_with_one_decision_for_each_label(labels, rules):
    decisions = decide({"Labels": labels}, 55, rules)

    names = [decision.name for decision in decisions]
    assert len(names) == len(set(names))
    # Nothing is lost in silence: what was seen is shown, or there is a decision that says why not.
    assert {one["Name"] for one in labels} <= set(names)
    assert all(d.rule for d in decisions if d.outcome in (HIDDEN, REVIEW))


PROBLEMS = {
    "a typo for .48": (_rule("accept", "A", min_confidence=480), "min_confidence", "0 to 100"),
    "below nothing": (_rule("accept", "A", min_confidence=-1), "min_confidence", "-1 is out of range"),
    "more than the picture": (_rule("hide", "A", min_box_area=1.5), "min_box_area", "share of the picture"),
    "no label": (_rule("hide", "  "), "patterns", "at least one label"),
    "no target": (_rule("replace", "A"), "target", "by which label"),
    "a target for nothing": (_rule("hide", "A", target="B"), "target", "have a target"),
    "an unknown target": (_rule("replace", "A", target="Nowhere"), "target", "No label is called “Nowhere”"),
    "itself": (_rule("replace", "A", target="a"), "target", "a → a"),
    "itself by pattern": (_rule("replace", "a*", target="Abc", match="glob"), "target", "Abc → Abc"),
    "in a circle": (_rule("replace", "B", target="A"), "target", "A → B → A"),
    "both": (_rule("hide", "A", requires_any=("B",), unless_any=("b",)), "unless_any", "Both required"),
}


@pytest.mark.parametrize(("rule", "field", "words"), PROBLEMS.values(), ids=PROBLEMS)
def test_rules_that_make_no_sense_are_refused_with_the_reason(rule, field, words):
    others = [_rule("replace", "A", target="B")] if rule.patterns != ("A",) or rule.target else []
    others = others if words == "A → B → A" else []

    [(found, text)] = problems(rule, others, lambda name: name != "Nowhere")

    assert found == field
    assert words in text


def test_the_rules_that_are_shipped_make_sense():
    shipped = json.loads((Path("labels/migrations/_default_rules.json")).read_text())
    rules = [LabelRule(**data).as_rule() for data in shipped]

    for rule in rules:
        assert problems(rule, [other for other in rules if other != rule]) == []


@pytest.mark.django_db
class TestShipped:
    """The acceptance of article 001, with rows as a worker writes them."""

    @pytest.fixture
    def flags(self, dan):
        rows = dict(zip(detect_labels.FLAGS, factory.many_photos(dan, 8), strict=True))
        for name, photo in rows.items():
            factory.label_as(photo, detect_labels.FLAGS[name], "rekognition", f"3.0 {name}")
        return rows

    def _found(self, owner, name):
        return set(photos(owner, Selection(any=(name,))))

    def test_the_rules_are_in_force_from_the_start(self):
        assert RuleVersion.objects.get().note == "The rules that are shipped"

    def test_no_search_for_the_american_flag_finds_another_countrys(self, dan, flags):
        assert self._found(dan, "American Flag") == set()
        assert self._found(dan, "american flag") == set()

    def test_all_of_them_are_found_under_flag(self, dan, flags):
        assert self._found(dan, "Flag") == set(flags.values())
        assert factory.counts(dan) == {"Flag": 8, "Symbol": 8}

    def test_portugal_is_under_no_weapon_before_a_person_has_looked(self, dan):
        [photo] = factory.many_photos(dan, 1)
        run = factory.label_as(photo, detect_labels.PORTUGAL, "rekognition")

        assert factory.counts(dan) == {}
        assert set(photo.photo_labels.values_list("status", flat=True)) == {"review"}
        assert json.loads(run.response) == detect_labels.PORTUGAL

        factory.judge(photo, "Bomb", is_there=True)
        assert self._found(dan, "Bomb") == {photo}
        assert self._found(dan, "Dynamite") == set()

    def test_ukraine_is_no_home_decor_as_a_drawing(self, dan):
        drawing, photo = factory.many_photos(dan, 2)
        Photo.objects.filter(pk=drawing.pk).update(format="PNG")
        for one in (drawing, photo):
            factory.label_as(one, detect_labels.UKRAINE, "rekognition", str(one.pk))

        assert self._found(dan, "Home Decor") == {photo}
        assert drawing.photo_labels.get(label__name="Home Decor").rule.name == "A drawing is no home decor"

    def test_nobody_is_found_by_guessed_age_or_gender(self, dan):
        [photo] = factory.many_photos(dan, 1)
        people = ("Person Description",)
        factory.label_as(
            photo,
            answer(
                label("Woman", 93, ("Adult", "Female", "Person"), people),
                label("Adult", 93, ("Person",), people),
                label("Female", 93, ("Person",), people),
                label("Queen", 80, ("Woman", "Adult", "Female", "Person"), people),
            ),
        )

        assert factory.counts(dan) == {"Person": 1, "Queen": 1}

    @pytest.mark.parametrize(
        ("fields", "words"),
        [({"min_confidence": 480}, "out of range"), ({"target": "Nowhere"}, "No label is called")],
    )
    def test_the_editor_refuses_what_makes_no_sense(self, fields, words):
        rule = LabelRule(name="New", action="replace", patterns="Banner", **{"target": "Flag", **fields})

        with pytest.raises(ValidationError, match=words):
            rule.full_clean()
