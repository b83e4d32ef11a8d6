"""No cell of a manifest is a formula to a spreadsheet, whatever a label is called."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.archives import manifest
from labels.archives.names import safe_cell

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Sky", "Sky"),
        ("T-shirt", "T-shirt"),
        ("a = b", "a = b"),
        ('=HYPERLINK("http://evil.example";"click")', '_HYPERLINK("http://evil.example";"click")'),
        ("+1", "_1"),
        ("-1", "_1"),
        ("@SUM(A1)", "_SUM(A1)"),
        ("\uff1d1+1", "\uff3f1+1"),
        ("\uff20a", "\uff3fa"),
        (" =1", " _1"),
        ("Sky; =cmd|calc", "Sky; _cmd|calc"),
        ("Sky,=1", "Sky,_1"),
        ("Sky;==1", "Sky;_=1"),
        ("", ""),
    ],
)
def test_a_label_is_guarded_like_a_file_name(label, shown):
    assert safe_cell(label) == shown
    assert manifest.labels_text([(label, 90)]) == f"{shown} 90.0"


@given(names=st.lists(st.text(st.sampled_from(SIGNS + "aZ ;,|\t\"'1"), max_size=12), min_size=1, max_size=4))
def test_no_reader_finds_a_formula_in_the_labels(names):
    text = manifest.labels_text((name, 50) for name in names)

    [cells] = csv.reader(io.StringIO(manifest.line("a.jpg", "00", 1, None, text).decode()))
    assert cells[4] == text
    for separator in ";,\t|":
        assert not any(cell.strip().startswith(tuple(SIGNS)) for cell in text.split(separator))


@given(st.text(st.sampled_from(SIGNS + "aé; "), max_size=20))
def test_the_size_of_the_manifest_does_not_change(label):
    assert len(safe_cell(label).encode()) == len(label.encode())
    assert safe_cell(safe_cell(label)) == safe_cell(label)
