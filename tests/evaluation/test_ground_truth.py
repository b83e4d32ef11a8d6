"""The table of what is on which photo: what it may hold, and how it says that it is wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.evaluation import ground_truth

GOOD = b"file,source,sky,black_and_white\na.jpg,disk 1,1,?\nsub/b.jpg,disk 2,0,1\n"


def test_a_column_with_values_is_a_label_and_any_other_is_ignored():
    table = ground_truth.from_csv(GOOD)

    assert table.labels == ("Sky", "Black And White")
    assert table.ignored == ("source",)
    assert table.annotations == {
        "a.jpg": {"Sky": True, "Black And White": None},
        "sub/b.jpg": {"Sky": False, "Black And White": True},
    }


def test_columns_may_be_chosen_and_be_called_what_the_detector_calls_them():
    table = ground_truth.from_csv(GOOD, {"sky": "Heaven"})

    assert table.labels == ("Heaven",)
    assert table.ignored == ("source", "black_and_white")


def test_a_spreadsheets_mark_blank_lines_and_quotes_are_no_trouble():
    table = ground_truth.from_csv('\ufefffile,sky\r\n"a, b.jpg",1\r\n\r\n ü.jpg , 0 \r\n,\r\n'.encode())

    assert table.annotations == {"a, b.jpg": {"Sky": True}, "ü.jpg": {"Sky": False}}


BAD = [
    pytest.param(b"", "it is empty", id="empty"),
    pytest.param(b"name,sky\na.jpg,1\n", "line 1: no column is called `file`", id="no file column"),
    pytest.param(b"file,sky,sky\na.jpg,1,0\n", "line 1: two columns are called 'sky'", id="column twice"),
    pytest.param(b"file,,sky\na.jpg,1,0\n", "line 1: a column has no name", id="nameless column"),
    pytest.param(b"file,sky\n", "it names no photo", id="no rows"),
    pytest.param(
        b"file,sky\na.jpg,1\nb.jpg,yes\n", "line 3, column 'sky': 'yes' is none of", id="other word"
    ),
    pytest.param(b"file,sky\na.jpg,1\nb.jpg,\n", "line 3, column 'sky': '' is none of", id="no answer"),
    pytest.param(b"file,sky\na.jpg,1,0\n", "line 2 has 3 cells, the header 2", id="too many cells"),
    pytest.param(b"file,sky\na.jpg\n", "line 2 has 1 cells, the header 2", id="too few cells"),
    pytest.param(
        b"file,sky\na.jpg,1\nb.jpg,0\na.jpg,0\n", "line 4 names 'a.jpg' again, after line 2", id="twice"
    ),
    pytest.param(b"file,sky\n,1\n", "line 2 names no file", id="no file"),
    pytest.param(b"file,source\na.jpg,x\n", "no column holds an answer", id="no label at all"),
    pytest.param(b"file,sky\na.jpg,1\n\xff.jpg,0\n", "line 3 is not UTF-8", id="another encoding"),
    pytest.param(b'file,sky\na.jpg,1\n"b.jpg,0\n', "line 3: unexpected end of data", id="open quote"),
    pytest.param(b"file,sky,SKY\na.jpg,1,0\n", "two columns stand for the label 'Sky'", id="one label twice"),
]


@pytest.mark.parametrize(("data", "message"), BAD)
def test_a_table_that_is_wrong_says_where_and_why(data, message):
    with pytest.raises(ground_truth.InvalidGroundTruth, match="^" + re.escape(message)):
        ground_truth.from_csv(data)


def test_a_chosen_column_must_be_there():
    with pytest.raises(ground_truth.InvalidGroundTruth, match="there is no column 'snow'"):
        ground_truth.from_csv(GOOD, {"snow": "Snow"})


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_clear_error(data):
    try:
        table = ground_truth.from_csv(data)
    except ground_truth.InvalidGroundTruth as error:
        assert str(error)
    else:
        assert table.annotations and table.labels


@given(st.text(alphabet='file,sky01?\n"\r \0', max_size=60))
def test_nearly_good_tables_are_no_crash_either(text):
    try:
        ground_truth.from_csv(("file,sky\n" + text).encode())
    except ground_truth.InvalidGroundTruth as error:
        assert str(error)


def test_flags_are_known_by_their_files_names():
    table = ground_truth.from_flag_names(["CU.png", "us.png", "sub/UM.png", "US-TX.png"])

    american = [name for name, answers in table.annotations.items() if answers["American Flag"]]
    assert american == ["us.png", "sub/UM.png"]
    assert all(answers["Flag"] for answers in table.annotations.values())
