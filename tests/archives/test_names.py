"""Names inside an archive: safe to unpack anywhere, unique on any disk, close to the original."""

import itertools
import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.archives.names import safe_name, unique_names

# Whole characters of every kind, lone surrogates included, among pieces that have lost files elsewhere.
pieces = st.characters() | st.sampled_from(
    [
        "a",
        "A",
        "IMG",
        "img",
        ".jpg",
        ".JPG",
        ".",
        " ",
        " (2)",
        " (3)",
        "é",
        "e\u0301",
        "ß",
        "SS",
        "ſ",
        "ı",
        "I",
    ]
    + [
        "/",
        "\\",
        "..",
        "con",
        "COM1",
        "\u202e",
        "\u200d",
        "\ufe0f",
        "\x00",
        "\n",
        ":",
        "\udce9",
        "ﬁ",
        "Å",
        "\u212b",
    ]
    + ["manifest.csv", "日" * 90, "x" * 200, "\u0301", "\u0345", "\u1160", "\xad", "\xa0"]
)
wild = st.lists(pieces, max_size=6).map("".join)

DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE)
BIDI = {"L", "R", "AL", "EN", "ES", "ET", "AN", "CS", "NSM", "BN", "B", "S", "WS", "ON", ""}


def why_unsafe(name):
    """Return what is wrong with a name, by rules written down a second time; None when it is safe."""
    if not name or len(name.encode(errors="replace")) > 255:
        return "length"
    if unicodedata.normalize("NFC", name) != name:
        return "not NFC"
    if re.search(r'[/\\<>:"|?*\x00-\x1f\x7f-\x9f\ud800-\udfff]', name):
        return "illegal character"
    if any(unicodedata.bidirectional(c) not in BIDI for c in name):
        return "changes the direction"
    if re.search("[\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", name):
        return "invisible"
    if name[-1] in ". \xa0" or name[0] in ". \xa0":
        return "edge"
    return "device" if DEVICE.match(name) else None


class TestSafeName:
    @pytest.mark.parametrize(
        "original, expected",
        [
            pytest.param("IMG_0001.JPG", "IMG_0001.JPG", id="plain"),
            pytest.param("Mädchen am See (3).jpeg", "Mädchen am See (3).jpeg", id="accents and spaces"),
            pytest.param("e\u0301te\u0301.jpg", "\xe9t\xe9.jpg", id="NFD from a Mac"),
            pytest.param("\u212bngstrom.jpg", "\xc5ngstrom.jpg", id="Angstrom sign"),
            pytest.param("日本の写真.jpg", "日本の写真.jpg", id="Japanese"),
            pytest.param("\u2764\ufe0f.jpg", "\u2764\ufe0f.jpg", id="emoji keeps its look"),
            pytest.param("\U0001fae8.jpg", "\U0001fae8.jpg", id="emoji newer than this Python"),
            pytest.param("../../etc/passwd.jpg", "passwd.jpg", id="climbing"),
            pytest.param("C:\\Users\\dan\\a.jpg", "a.jpg", id="Windows path"),
            pytest.param("a/b\\c/d.jpg", "d.jpg", id="both separators"),
            pytest.param("holiday/", "holiday", id="folder"),
            pytest.param("12:30?.jpg", "12_30_.jpg", id="illegal on Windows"),
            pytest.param('<a>"|*.jpg', "_a____.jpg", id="all illegal on Windows"),
            pytest.param("a\x00b\r\nc\x7f\x9f.jpg", "abc.jpg", id="control characters"),
            pytest.param("line\u2028and\u2029paragraph.jpg", "lineandparagraph.jpg", id="separators"),
            pytest.param("\u202egpj.exe.jpg", "gpj.exe.jpg", id="right-to-left override"),
            pytest.param("a\u2066\u2069\u061cb.jpg", "ab.jpg", id="isolates"),
            pytest.param("a\u200bb\u200d\ufeffc\xad.jpg", "abc.jpg", id="zero width"),
            pytest.param("\u3164\u1160.jpg", "photo-7.jpg", id="fillers only"),
            pytest.param("e\u200d\u0301.jpg", "\xe9.jpg", id="accent behind a joiner"),
            pytest.param("caf\udce9.jpg", "caf_.jpg", id="lone surrogate"),
            pytest.param("a\ufffe\U0010ffff.jpg", "a__.jpg", id="noncharacters"),
            pytest.param("a.jpg. . ", "a.jpg", id="trailing dots and spaces"),
            pytest.param("  a.jpg", "a.jpg", id="leading spaces"),
            pytest.param("=1+1.jpg", "_1+1.jpg", id="a formula for a spreadsheet"),
            pytest.param("@SUM(1).jpg", "_SUM(1).jpg", id="an old formula"),
            pytest.param("\uff1d1+1.jpg", "\uff3f1+1.jpg", id="a formula in full width"),
            pytest.param("\ufe661.jpg", "\uff3f1.jpg", id="a formula in small form"),
            pytest.param("-rf.jpg", "_rf.jpg", id="an option for a shell"),
            pytest.param("\xa0a\u3000", "a", id="other spaces"),
            pytest.param(".hidden.jpg", "hidden.jpg", id="hidden"),
            pytest.param("._IMG_1.jpg", "_IMG_1.jpg", id="AppleDouble"),
            pytest.param(".jpg", "photo-7.jpg", id="only an extension"),
            pytest.param(" . .jpg", "photo-7.jpg", id="only an extension behind dots"),
            pytest.param("", "photo-7.jpg", id="empty"),
            pytest.param("..", "photo-7.jpg", id="dots"),
            pytest.param("/", "photo-7.jpg", id="root"),
            pytest.param("\u200b \n", "photo-7.jpg", id="nothing visible"),
            pytest.param("CON", "_CON", id="device"),
            pytest.param("nul.tar.gz", "_nul.tar.gz", id="device with extensions"),
            pytest.param("Com1 .jpg", "_Com1 .jpg", id="device with a space"),
            pytest.param("LPT\xb9.jpg", "_LPT\xb9.jpg", id="device with a superscript"),
            pytest.param("conout$.jpg", "_conout$.jpg", id="console"),
            pytest.param("COM10.jpg", "COM10.jpg", id="no device"),
            pytest.param("console.jpg", "console.jpg", id="begins like a device"),
            pytest.param("c\u200bon.jpg", "_con.jpg", id="device in disguise"),
            pytest.param("x" * 300 + ".jpeg", "x" * 250 + ".jpeg", id="long"),
            pytest.param("é" * 200 + ".jpg", "é" * 125 + ".jpg", id="long, two bytes each"),
            pytest.param("🎈" * 90 + ".jpg", "🎈" * 62 + ".jpg", id="long, four bytes each"),
            pytest.param("x" * 250 + " " * 9 + ".jpg", "x" * 250 + ".jpg", id="cut at spaces"),
            pytest.param("a." + "x" * 300, "a." + "x" * 253, id="no extension but a long ending"),
            pytest.param("con." + "x" * 300, "_con." + "x" * 250, id="device and long"),
        ],
    )
    def test_rule(self, original, expected):
        assert safe_name(original, fallback="photo-7.jpg") == expected

    @given(wild)
    def test_any_name_becomes_safe_and_then_stays(self, original):
        name = safe_name(original)

        assert why_unsafe(name) is None
        assert safe_name(name) == name

    @given(wild)
    def test_canonically_equal_names_become_one(self, original):
        assert safe_name(unicodedata.normalize("NFD", original)) == safe_name(original)

    @pytest.mark.parametrize("fallback, expected", [("a/b?.jpg", "b_.jpg"), ("..", "photo")])
    def test_the_fallback_is_made_safe_too(self, fallback, expected):
        assert safe_name("", fallback) == expected


class TestUniqueNames:
    @pytest.mark.parametrize(
        "originals, expected",
        [
            pytest.param(["a.jpg", "b.jpg"], ["a.jpg", "b.jpg"], id="different"),
            pytest.param(["a.jpg"] * 3, ["a.jpg", "a (2).jpg", "a (3).jpg"], id="equal"),
            pytest.param(["IMG.JPG", "img.jpg"], ["IMG.JPG", "img (2).jpg"], id="case"),
            pytest.param(["a", "a"], ["a", "a (2)"], id="no extension"),
            pytest.param(["a.tar.gz"] * 2, ["a.tar.gz", "a.tar (2).gz"], id="two extensions"),
            pytest.param(["Mr. Smith"] * 2, ["Mr. Smith", "Mr. Smith (2)"], id="a dot but no extension"),
            pytest.param(["Manifest.CSV"], ["Manifest (2).CSV"], id="reserved"),
            pytest.param(["x/a.jpg", "y/a.jpg"], ["a.jpg", "a (2).jpg"], id="two folders"),
            pytest.param(["", ""], ["photo", "photo (2)"], id="nothing left"),
            pytest.param(["straße.jpg", "STRASSE.JPG"], ["straße.jpg", "STRASSE (2).JPG"], id="full folding"),
            pytest.param(
                ["\u2764.jpg", "\u2764\ufe0f.jpg"], ["\u2764.jpg", "\u2764\ufe0f (2).jpg"], id="selector"
            ),
            pytest.param(["ı.jpg", "I.jpg"], ["ı.jpg", "I (2).jpg"], id="dotless i, as exFAT"),
            pytest.param(["a?.jpg", "a_.jpg"], ["a_.jpg", "a_ (2).jpg"], id="equal once safe"),
        ],
    )
    def test_rule(self, originals, expected):
        assert unique_names(originals) == expected

    @pytest.mark.parametrize(
        "order", list(itertools.permutations(["a.jpg", "a.jpg", "a (2).jpg", "A (2).JPG"]))
    )
    def test_a_name_that_the_rule_itself_makes(self, order):
        names = unique_names(order)

        assert len({name.casefold() for name in names}) == 4
        assert names[0] == order[0]

    @given(st.lists(wild, max_size=25))
    def test_wild_names_become_safe_and_unique(self, originals):
        names = unique_names(originals)

        assert len(names) == len(originals)
        assert [why_unsafe(name) for name in names] == [None] * len(names)
        assert len({unicodedata.normalize("NFD", name.casefold()) for name in names}) == len(names)
        assert len({"".join(map(simple_upper, name)) for name in names}) == len(names)
        assert "manifest.csv" not in map(str.casefold, names)

    @given(st.lists(wild, max_size=25))
    def test_unique_names_stay_as_they_are(self, originals):
        names = unique_names(originals)

        assert unique_names(names) == names

    @given(st.lists(wild, max_size=25), st.lists(wild, max_size=5))
    def test_later_names_change_nothing_before_them(self, originals, later):
        assert unique_names(originals + later)[: len(originals)] == unique_names(originals)

    @given(st.lists(wild, min_size=1, max_size=25))
    def test_the_first_of_its_kind_keeps_its_name(self, originals):
        if safe_name(originals[0]).casefold() != "manifest.csv":
            assert unique_names(originals)[0] == safe_name(originals[0])

    def test_every_letter_clashes_with_its_other_forms(self):
        for code in [*range(0xD800), *range(0xE000, 0x1F000), *range(0x2F800, 0x2FA20)]:
            letter = chr(code)
            forms = {letter.upper(), letter.lower(), letter.title(), letter.casefold()}
            forms |= {unicodedata.normalize(form, letter) for form in ("NFC", "NFD")}
            for form in forms - {letter}:
                one, other = unique_names([f"x{letter}x", f"x{form}x"])
                assert other.endswith(" (2)"), (hex(code), one, other)

    def test_long_names_stay_within_the_limit(self):
        names = unique_names(["é" * 125 + "x.jpg"] * 1200)

        assert names[0] == "é" * 125 + "x.jpg"
        assert names[1] == "é" * 120 + " (2).jpg"
        assert max(len(name.encode()) for name in names) <= 255
        assert len(set(names)) == 1200

    @pytest.mark.parametrize(
        "originals",
        [
            pytest.param(["IMG_0001.JPG"] * 100_000, id="equal"),
            pytest.param(
                [f"a ({n}).jpg" for n in range(50_000)] + ["a.jpg"] * 50_000, id="all numbers taken"
            ),
            pytest.param([f"{'x' * 245}{n:05}.jpg" for n in range(20_000)] * 2, id="equal once cut"),
        ],
    )
    def test_a_hundred_thousand_clashes_take_linear_time(self, originals):
        started = time.process_time()
        names = unique_names(originals)
        seconds = time.process_time() - started

        assert len(set(map(str.casefold, names))) == len(originals)
        assert seconds < 10  # about 1 s; a search from 2 on for each name takes many minutes


def simple_upper(character):
    """Fold one character as NTFS does: to its one-character upper case, if it has one."""
    upper = character.upper()
    return upper if len(upper) == 1 else character
