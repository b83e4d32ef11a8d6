import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.models import Label
from labels.text.names import fold

SAME = {
    "case": ("Sky", "sKY"),
    "sharp s": ("Straße", "STRASSE"),
    "composed": ("Caf\u00e9", "Cafe\u0301"),
    "composed in another case": ("CAF\u00c9", "cafe\u0301"),
    "ligature": ("ﬁsh", "FISH"),
    "final sigma": ("ΟΔΟΣ", "οδος"),
    "spaces around": (" Sky ", "Sky"),
    "spaces between": ("Blue \t\n sky", "blue sky"),
    "no-break space": ("Blue\u00a0sky", "Blue sky"),
    "angstrom": ("\u212b", "\u00e5"),
    "Cyrillic": ("МОРЕ", "море"),
}
OTHER = {
    "accent": ("Cafe", "Café"),
    "hyphen": ("Blue-sky", "Blue sky"),
    "dotless i": ("ı", "i"),
    "word": ("Sky", "Sea"),
    "plural": ("Dog", "Dogs"),
}


@pytest.mark.parametrize(("one", "another"), SAME.values(), ids=SAME)
def test_two_spellings_are_one_label(one, another):
    assert fold(one) == fold(another)


@pytest.mark.parametrize(("one", "another"), OTHER.values(), ids=OTHER)
def test_other_names_are_other_labels(one, another):
    assert fold(one) != fold(another)


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(name):
    assert fold(fold(name)) == fold(name)


@given(st.text(max_size=60))
def test_a_key_is_composed_and_has_single_spaces(name):
    key = fold(name)

    assert unicodedata.is_normalized("NFC", key)
    assert key == " ".join(key.split())


@given(st.text(max_size=60))
def test_the_way_a_name_is_composed_does_not_matter(name):
    assert fold(unicodedata.normalize("NFD", name)) == fold(unicodedata.normalize("NFC", name))


@given(st.text(max_size=60))
def test_folded_case_does_not_matter(name):
    assert fold(name.casefold()) == fold(name)


@pytest.mark.django_db
def test_labels_are_found_however_they_are_spelled():
    street = Label.objects.create(name="Straße")
    Label.objects.create(name="Sky")

    assert list(Label.objects.named(["  STRASSE "])) == [street]
