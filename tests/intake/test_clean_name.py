import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.intake.checks import clean_name

NAMES = {
    "plain": ("IMG_1.JPG", "IMG_1.JPG"),
    "unix path": ("/home/dan/IMG_1.JPG", "IMG_1.JPG"),
    "windows path": ("C:\\Users\\dan\\IMG_1.JPG", "IMG_1.JPG"),
    "mixed path": ("a\\b/c.jpg", "c.jpg"),
    "climbing": ("../../etc/passwd", "passwd"),
    "ending in a slash": ("folder/a.jpg/", "a.jpg"),
    "blanks around": ("  a.jpg ", "a.jpg"),
    "blanks inside": ("my photo.jpg", "my photo.jpg"),
    "zero byte": ("a\0.jpg", "a.jpg"),
    "line break": ("a\r\nb.jpg", "ab.jpg"),
    "escape": ("\x1b[31mred.jpg", "[31mred.jpg"),
    "right-to-left trick": ("a\u202egpj.exe", "agpj.exe"),
    "unicode kept": ("Zürich 日本 🏔.jpg", "Zürich 日本 🏔.jpg"),
    "lone surrogate": ("a\udcff.jpg", "a.jpg"),
    "nothing": ("", "photo"),
    "only blanks": ("   ", "photo"),
    "only slashes": ("///", "photo"),
    "hidden": (".jpg", ".jpg"),
    "255 characters": ("x" * 251 + ".jpg", "x" * 251 + ".jpg"),
    "too long": ("x" * 300 + ".jpg", "x" * 251 + ".jpg"),
    "too long without extension": ("x" * 300, "x" * 255),
    "endless extension": ("a." + "x" * 300, "a." + "x" * 233 + "." + "x" * 19),
}


@pytest.mark.parametrize(("name", "clean"), NAMES.values(), ids=NAMES)
def test_a_name_is_the_last_part_of_its_path_and_printable(name, clean):
    assert clean_name(name) == clean


@given(st.text(alphabet=st.characters(), max_size=400))
def test_every_name_becomes_one_that_stays_as_it_is(name):
    clean = clean_name(name)

    assert clean_name(clean) == clean
    assert clean.isprintable()
    assert 0 < len(clean) <= 255
    assert "/" not in clean
    assert "\\" not in clean
