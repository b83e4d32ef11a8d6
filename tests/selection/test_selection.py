"""any / all / none: what a query string says, how it reads, and which photos it holds."""

import pytest
from django.db import transaction
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labels.labelling import counts
from labels.models import Label, Photo, PhotoLabel
from labels.selection import predicate, summaries
from labels.selection.predicate import ALL, ANY, Overview, Selection, photos
from tests import factory

NAMES = ["Lake", "Sky", "Straße", "Café", "Night life"]
# The same labels as people may spell them in a link.
SPELLINGS = {
    "Lake": "LAKE",
    "Sky": " sky ",
    "Straße": "STRASSE",
    "Café": "Cafe\u0301",
    "Night life": "night  LIFE",
}


def _read(query):
    return Selection.from_query(QueryDict(query))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", Selection(), id="nothing"),
        pytest.param("label=Sky", Selection(any=("Sky",)), id="one tick is any"),
        pytest.param("label=Sky&label=Lake", Selection(any=("Sky", "Lake")), id="order is kept"),
        pytest.param("match=any&label=Sky", Selection(any=("Sky",)), id="any said aloud"),
        pytest.param("match=all&label=Sky&label=Lake", Selection(all=("Sky", "Lake")), id="all"),
        pytest.param("match=both&label=Sky", Selection(any=("Sky",)), id="unknown match is any"),
        pytest.param("any=Sky&all=Lake", Selection(any=("Sky",), all=("Lake",)), id="any and all"),
        pytest.param(
            "match=all&any=Sky&label=Lake", Selection(any=("Sky",), all=("Lake",)), id="ticks join all"
        ),
        pytest.param("none=Sky", Selection(none=("Sky",)), id="only an exclusion"),
        pytest.param("label=Sky&none=sky", Selection(none=("sky",)), id="an exclusion beats a tick"),
        pytest.param("all=SKY&none=Sky", Selection(none=("Sky",)), id="an exclusion beats all"),
        pytest.param("label=Sky&label=SKY&label=+sky+", Selection(any=("Sky",)), id="once each"),
        pytest.param("label=&label=++&none=", Selection(), id="blanks are dropped"),
        pytest.param("label=Night++life", Selection(any=("Night life",)), id="single spaces"),
        pytest.param("state=failed", Selection(state="failed"), id="failed"),
        pytest.param("state=unlabelled", Selection(state="unlabelled"), id="no label yet"),
        pytest.param("state=pending", Selection(), id="unknown state"),
        pytest.param("everything=1", Selection(everything=True), id="everything"),
        pytest.param("everything=yes", Selection(), id="everything is 1"),
        pytest.param("page=2&utm_source=mail", Selection(), id="foreign parameters"),
        pytest.param("label=" + "x" * 101, Selection(any=("x" * 100,)), id="no label is longer than 100"),
        pytest.param(f"none={'x' * 101}&none={'x' * 102}", Selection(none=("x" * 100,)), id="cut alike"),
        pytest.param("label=S%00ky", Selection(any=("Sky",)), id="no NUL, which PostgreSQL refuses"),
    ],
)
def test_a_query_string_is_read_as_a_selection(query, expected):
    assert _read(query) == expected


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        pytest.param(Selection(), "nothing", id="nothing"),
        pytest.param(Selection(everything=True), "all photos", id="everything"),
        pytest.param(Selection(any=("Lake",)), "Lake", id="any of one"),
        pytest.param(Selection(all=("Lake",)), "Lake", id="all of one"),
        pytest.param(Selection(any=("Lake", "Sea")), "any of Lake, Sea", id="any"),
        pytest.param(Selection(all=("Lake", "Sea")), "all of Lake, Sea", id="all"),
        pytest.param(Selection(none=("Person",)), "none of Person", id="none alone"),
        pytest.param(
            Selection(any=("Lake", "Sea"), none=("Person",)),
            "any of Lake, Sea; none of Person",
            id="any and none",
        ),
        pytest.param(Selection(state="unlabelled"), "no label yet", id="no label yet"),
        pytest.param(Selection(any=("Lake",), state="failed"), "Lake; failed", id="failed ones of a label"),
        pytest.param(Selection(any=("Lake",), everything=True), "Lake", id="labels narrow everything"),
    ],
)
def test_a_selection_reads_as_people_say_it(chosen, words):
    assert chosen.words() == words


@pytest.mark.parametrize(
    ("name", "left"),
    [
        pytest.param("lake", Selection(any=("Sky",), all=("Sea",), none=("Person",)), id="a tick"),
        pytest.param("SEA", Selection(any=("Lake", "Sky"), none=("Person",)), id="one of all"),
        pytest.param("Person", Selection(any=("Lake", "Sky"), all=("Sea",)), id="an exclusion"),
        pytest.param("Moon", Selection(any=("Lake", "Sky"), all=("Sea",), none=("Person",)), id="not in it"),
    ],
)
def test_without_takes_one_label_out_however_it_is_spelled(name, left):
    chosen = Selection(any=("Lake", "Sky"), all=("Sea",), none=("Person",))

    assert chosen.without(name) == left


def test_an_empty_selection_is_empty_and_everything_is_not():
    assert Selection().is_empty
    assert not Selection(everything=True).is_empty
    assert not Selection(none=("Sky",)).is_empty


_TEXTS = st.lists(st.text(max_size=110) | st.sampled_from(NAMES + list(SPELLINGS.values())), max_size=4)


@given(label=_TEXTS, any_of=_TEXTS, all_of=_TEXTS, none=_TEXTS, match=st.sampled_from(["", "any", "all"]),
       state=st.sampled_from(["", "failed", "unlabelled", "x"]), everything=st.booleans())  # fmt: skip
def test_a_selection_survives_its_link_and_its_row(label, any_of, all_of, none, match, state, everything):
    query = QueryDict(mutable=True)
    for name, values in (("label", label), ("any", any_of), ("all", all_of), ("none", none)):
        query.setlist(name, values)
    query.update({"match": match, "state": state, "everything": "1" if everything else ""})
    chosen = Selection.from_query(query)

    link = QueryDict(mutable=True)
    for name, value in chosen.fields():
        link.appendlist(name, value)

    assert Selection.from_query(link) == chosen
    assert Selection.from_json(chosen.as_json()) == chosen


# Against plain sets --------------------------------------------------------------------------------

_STATUSES = st.sampled_from([Photo.Status.LABELLED, Photo.Status.FAILED, Photo.Status.PENDING])
_MARKS = st.sampled_from(PhotoLabel.Status.values)
_LIBRARY = st.lists(st.tuples(_STATUSES, st.dictionaries(st.sampled_from(NAMES), _MARKS)), max_size=8)
_SOME = st.lists(st.sampled_from(NAMES), max_size=3, unique=True).map(tuple)
_SELECTIONS = st.builds(
    lambda any, all, none, state, everything: Selection(
        tuple(n for n in any if n not in none),
        tuple(n for n in all if n not in none),
        none,
        state,
        everything,
    ),
    _SOME,
    _SOME,
    _SOME,
    st.sampled_from(["", "", predicate.UNLABELLED, predicate.FAILED]),
    st.booleans(),
)


def _store(owner, library):
    """Return [(photo, its visible label names)] with rows for the library, counts included."""
    rows = factory.many_photos(owner, len(library))
    labels = {name: Label.objects.get_or_create(name=name, key=predicate.fold(name))[0] for name in NAMES}
    for photo, (status, _) in zip(rows, library, strict=True):
        photo.status = status
    Photo.objects.bulk_update(rows, ["status"])
    PhotoLabel.objects.bulk_create(
        PhotoLabel(photo=photo, label=labels[name], confidence=80, status=mark)
        for photo, (_, marks) in zip(rows, library, strict=True)
        for name, mark in marks.items()
    )
    counts.differences(repair=True)
    summaries.differences(repair=True)
    visible = [{n for n, mark in marks.items() if mark in ("active", "confirmed")} for _, marks in library]
    return list(zip(rows, visible, strict=True)), {label.pk: name for name, label in labels.items()}


def _expected(library, chosen):
    if chosen.is_empty:
        return set()
    return {
        photo.pk
        for photo, names in library
        if (not chosen.any or names & set(chosen.any))
        and names >= set(chosen.all)
        and not names & set(chosen.none)
        and (chosen.state != predicate.FAILED or photo.status == Photo.Status.FAILED)
        and (chosen.state != predicate.UNLABELLED or (photo.status != Photo.Status.FAILED and not names))
    }


def _expected_facets(library, chosen, match, names):
    """Return what really ticking each label that is not excluded would leave."""
    numbers = {}
    for name in set(names) - set(chosen.none):
        if chosen.is_empty or (match == ALL or not chosen.any):
            ticked = Selection(chosen.any, (*chosen.all, name), chosen.none, chosen.state)
        elif name in chosen.any:
            held = _expected(library, chosen)
            numbers[name] = sum(photo.pk in held for photo, its in library if name in its)
            continue
        else:
            ticked = Selection((*chosen.any, name), chosen.all, chosen.none, chosen.state)
        numbers[name] = len(_expected(library, ticked))
    return {name: number for name, number in numbers.items() if number}


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_LIBRARY, _LIBRARY, _SELECTIONS)
def test_photos_sums_and_numbers_agree_with_plain_sets(dan, eve, library, foreign, chosen):
    with transaction.atomic():
        library, names = _store(dan, library)
        _store(eve, foreign)
        spelled = Selection(
            *(tuple(SPELLINGS[n] for n in group) for group in (chosen.any, chosen.all, chosen.none)),
            chosen.state,
            chosen.everything,
        )

        found = photos(dan, spelled)
        held = _expected(library, chosen)

        assert list(found.order_by("pk").values_list("pk", flat=True)) == sorted(held)
        for match in (ANY, ALL):
            numbers = {names[pk]: number for pk, number in Overview(dan, spelled).facets(match).items()}
            shown = {name: number for name, number in numbers.items() if name not in chosen.none}
            # A label that nobody has stands in no list.
            owned = {name for _, its in library for name in its}
            expected = _expected_facets(library, chosen, match, owned)
            assert shown == expected, f"match={match}"
        transaction.set_rollback(True)
