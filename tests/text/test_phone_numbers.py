"""What people type as a phone number, what is shown of it, and how much room a text takes."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labels.text.phone_numbers import ONE_SMS, NotANumber, masked, normalised, places


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+447700900123", "+447700900123"),
        ("  +44 7700 900123 ", "+447700900123"),
        ("+1 (202) 555-0123", "+12025550123"),
        ("+49.30.901820", "+4930901820"),
        ("+33/6/12/34/56/78", "+33612345678"),
        ("+44\u00a07700\u00a0900123", "+447700900123"),
        # Italy dials the 0 after the country code, in landlines that take texts.
        ("+39 06 698 8511", "+39066988511"),
        # The shortest and the longest there are.
        ("+683 4002", "+6834002"),
        ("+123456789012345", "+123456789012345"),
    ],
)
def test_a_number_is_taken_as_people_write_it(typed, number):
    assert normalised(typed) == number


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("07700 900123", "Begin with + and the code of the country."),
        ("0044 7700 900123", "Begin with + and the code of the country."),
        ("7700900123", "Begin with + and the code of the country."),
        ("", "Begin with + and the code of the country."),
        ("++44 7700 900123", "here is “+”"),
        ("+44 7700 900123 ext 4", "here is “e”"),
        ("+44 7700 900l23", "here is “l”"),
        ("+44 7700 900123;+49301234567", "here is “;”"),
        ("+٤٤٧٧٠٠٩٠٠١٢٣", "here is “٤”"),
        ("+４４7700900123", "here is “４”"),
        ("+44\u202a7700900123", "here is LEFT-TO-RIGHT EMBEDDING"),
        ("+44\x007700900123", "here is a control character"),
        ("+044 7700 900123", "No country code begins with 0"),
        ("+44 (0)7700 900123", "Leave out the (0)"),
        ("+44 ( 0 ) 7700 900123", "Leave out the (0)"),
        ("+44 770", "7 to 15 digits; this one has 5"),
        ("+123456", "7 to 15 digits; this one has 6"),
        ("+1234567890123456", "7 to 15 digits; this one has 16"),
        ("+", "this one has 0"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason(typed, said):
    with pytest.raises(NotANumber, match=re.escape(said)):
        normalised(typed)


@given(st.text(max_size=40))
@example("+44 7700 900123")
def test_what_is_taken_is_always_e164(typed):
    try:
        number = normalised(typed)
    except NotANumber as reason:
        assert str(reason).endswith(".")
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
    assert normalised(number) == number


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_part_of_a_number_leaves_out_three_digits_or_more(number):
    shown = masked(number)

    assert len(re.sub("[^0-9]", "", shown)) <= len(number) - 1 - 3
    assert number not in shown


@pytest.mark.parametrize(
    ("text", "room"),
    [
        ("", 0),
        ("Your 27 photos are ready. https://photos.example.com/bundles/1/", 63),
        ("@£$ äöüñ ΔΦ", 11),
        ("~user [1]", 12),
        ("5 €", 4),
        ("ready …", None),
        ("“ready”", None),
        ("готово", None),
        ("a\tb", None),
    ],
)
def test_the_room_a_text_takes(text, room):
    assert places(text) == room
    assert ONE_SMS == 160
