"""What REKOGNITION_ALSO found is shown on the photo's page, whatever the response, and never is a label."""

import json

import pytest
from django.urls import reverse
from django.utils.html import strip_tags
from hypothesis import given, settings
from hypothesis import strategies as st

from labels import tasks
from labels.detectors.rekognition import findings
from labels.detectors.rekognition.findings import Finding, Findings
from labels.labelling import attempts
from labels.models import DetectionRun, Label, Photo, PhotoLabel
from tests import factory

ALSO = ["DetectModerationLabels", "DetectText", "RecognizeCelebrities"]
TEXT, PEOPLE, MODERATION = "rekognition text", "rekognition celebrities", "rekognition moderation"


def _line(text, confidence=90.0, **other):
    return {"DetectedText": text, "Type": "LINE", "Confidence": confidence, **other}


def _found(detector, response):
    [group] = findings.read_findings({detector: response})
    return [(one.words, one.confidence, one.note) for one in group.found]


@pytest.mark.parametrize(
    ("detector", "response", "found"),
    [
        pytest.param(
            TEXT,
            {"TextDetections": [_line("one", 99.5), _line("two"), _line("word", Type="WORD")]},
            [("one", 99.5, ""), ("two", 90.0, "")],
            id="lines, not their words, in Amazon's order",
        ),
        pytest.param(
            PEOPLE,
            {
                "CelebrityFaces": [
                    {"Name": "Ada", "MatchConfidence": 60},
                    {"Name": "Ada", "MatchConfidence": 90},
                ]
            },
            [("Ada", 90.0, "")],
            id="somebody seen twice",
        ),
        pytest.param(
            MODERATION,
            {
                "ModerationLabels": [
                    {"Name": "Smoking", "ParentName": "Tobacco", "Confidence": 80},
                    {"Name": "Tobacco", "ParentName": "Drugs", "Confidence": 80},
                    {"Name": "Drugs", "ParentName": "", "Confidence": 80},
                    {"Name": "Gambling", "ParentName": "", "Confidence": 50},
                ]
            },
            [("Smoking", 80.0, "Tobacco"), ("Gambling", 50.0, "")],
            id="the finest of each group",
        ),
        pytest.param(TEXT, {"TextDetections": []}, [], id="nothing"),
        pytest.param(TEXT, {}, [], id="no answer in it"),
        pytest.param(TEXT, [], [], id="a list"),
        pytest.param(TEXT, None, [], id="null"),
        pytest.param(TEXT, {"TextDetections": {"Type": "LINE"}}, [], id="not a list"),
        pytest.param(
            TEXT,
            {"TextDetections": [None, 7, "LINE", {}, _line("good")]},
            [("good", 90.0, "")],
            id="odd rows",
        ),
        pytest.param(
            TEXT,
            {"TextDetections": [_line(None), _line(7), _line("  "), _line(["x"])]},
            [],
            id="no words",
        ),
        pytest.param(
            TEXT,
            {
                "TextDetections": [
                    _line("a", "99"),
                    _line("b", True),
                    _line("c", float("nan")),
                    _line("d", 400),
                ]
            },
            [("a", None, ""), ("b", None, ""), ("c", None, ""), ("d", None, "")],
            id="no confidence",
        ),
        pytest.param(
            TEXT,
            {"TextDetections": [_line("a\n\tb\x00\u202ec")]},
            [("a b c", 90.0, "")],
            id="control characters",
        ),
        pytest.param(
            PEOPLE,
            {"CelebrityFaces": [{"Name": "Ada", "KnownGender": {}}]},
            [("Ada", None, "")],
            id="partial",
        ),
        pytest.param(
            MODERATION,
            {"ModerationLabels": [{"Name": "A", "ParentName": 3}]},
            [("A", None, "")],
            id="odd parent",
        ),
    ],
)
def test_a_response_is_read_as_far_as_it_can_be(detector, response, found):
    assert _found(detector, response) == found


def test_much_is_cut_and_said_to_be():
    lines = [_line(f"{number} {'x' * 500}") for number in range(100)]

    [group] = findings.read_findings({TEXT: {"TextDetections": lines}})

    assert (len(group.found), group.more) == (findings.MOST, 80)
    assert {len(one.words) for one in group.found} == {findings.LONGEST}
    assert group.found[0].words.endswith("…")


def test_only_operations_with_a_response_are_shown_and_in_one_order():
    read = findings.read_findings({MODERATION: {}, "rekognition": {"Labels": []}, TEXT: {}})

    assert read == [Findings("Text", ()), Findings("For moderators", ())]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("LINE"),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["TextDetections", "CelebrityFaces", "ModerationLabels", "Type", "Name", "ParentName"]
                + ["DetectedText", "Confidence", "MatchConfidence"]
            ),
            inside,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(findings.DETECTORS), _JSON))
def test_no_response_breaks_the_reader(responses):
    for group in findings.read_findings(responses):
        for one in group.found:
            assert isinstance(one, Finding)
            assert 0 < len(one.words) <= findings.LONGEST
            assert one.words.isprintable()
            assert one.confidence is None or 0 <= one.confidence <= 100


@pytest.fixture
def photo(dan, rekognition, settings):
    """Return a photo about which all operations were called."""
    settings.REKOGNITION_ALSO = ALSO
    photo = factory.photo(dan, size=(100, 90))
    tasks.label_photo(photo.pk)
    return Photo.objects.get()


def _section(client, photo):
    """Return the words of the section, or nothing."""
    page = client.get(photo.get_absolute_url())
    assert page.status_code == 200
    _, _, after = page.content.decode().partition("<h2>Also found</h2>")
    return " ".join(strip_tags(after.partition("</section>")[0]).split())


@pytest.mark.django_db
def test_the_page_shows_what_was_found(client, photo):
    assert _section(client, photo) == (
        "Text SUMMER SALE 99% Well-known people Ada Lovelace 97% "
        "For moderators Smoking (Drugs &amp; Tobacco) 81% "
        "Said by Amazon Rekognition beside the labels; no selection, count or download follows it."
    )


@pytest.mark.django_db
def test_none_of_it_is_a_label_even_when_the_photo_is_labelled_again(client, photo, dan):
    attempts.label_again(Photo.objects.all())
    tasks.label_photo(photo.pk)

    said = {"SUMMER SALE", "SALE", "Ada Lovelace", "Smoking", "Drugs & Tobacco"}
    assert factory.counts(dan) == {"Nature": 1, "Sky": 1, "Cloud": 1}
    assert not said & set(Label.objects.values_list("name", flat=True))
    assert not PhotoLabel.objects.filter(label__name__in=said).exists()
    for name in said:
        assert client.get(reverse("photos"), {"label": name}).context["selection"]["count"] == 0


@pytest.mark.django_db
@pytest.mark.parametrize("response", ["{}", "[]", "null", "7", '{"TextDetections": 3}', "no JSON", ""])
def test_a_damaged_response_leaves_the_page_whole(client, photo, response):
    DetectionRun.objects.filter(detector=TEXT).update(response=response)

    assert _section(client, photo).startswith("Text nothing Well-known people Ada Lovelace")


@pytest.mark.django_db
def test_of_two_versions_the_later_response_is_shown(client, photo):
    later = {"TextDetections": [_line("LATER")]}
    DetectionRun.objects.create(
        content_sha256=photo.sha256, detector=TEXT, version="9.0", response=json.dumps(later)
    )

    assert _section(client, photo).startswith("Text LATER 90%")


@pytest.mark.django_db
def test_text_in_a_picture_is_text_on_the_page(client, photo):
    evil = {"TextDetections": [_line('<script>alert(1)</script><b class="x">')]}
    DetectionRun.objects.filter(detector=TEXT).update(response=json.dumps(evil))

    page = client.get(photo.get_absolute_url()).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.django_db
def test_without_further_operations_there_is_no_section(client, dan, rekognition):
    photo = factory.photo(dan, size=(100, 90))
    tasks.label_photo(photo.pk)

    assert _section(client, photo) == ""
