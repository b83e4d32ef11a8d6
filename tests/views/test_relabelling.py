"""Labelling again names its price first; another threshold of a label shows whom it would win and lose."""

import html
import re

import pytest
from django.urls import reverse

from labels.models import DetectionRun, Photo
from tests import factory
from tests.detect_labels import answer, label

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(dan):
    photos = factory.many_photos(dan, 4)
    for number, (photo, confidence) in enumerate(zip(photos, (30, 50, 60, 90), strict=True)):
        factory.label_as(photo, answer(label("Sky", confidence)), "rekognition", f"{number % 2}.0")
    return photos


@pytest.mark.parametrize(
    ("at", "numbers"),
    [("55", (0, 0, 2)), ("40", (1, 0, 2)), ("70", (0, 1, 1)), ("nan", (0, 0, 2)), ("x", (0, 0, 2))],
)
def test_a_threshold_says_who_would_come_and_go(client, library, at, numbers):
    found = client.get(reverse("labels_threshold"), {"label": "sky", "at": at}).context

    assert (found["come"], found["go"], found["stay"]) == numbers
    assert len(found["above"]) + len(found["below"]) == 4


def test_without_a_label_nothing_is_counted_or_made_a_rule(client, library):
    page = client.get(reverse("labels_threshold")).content.decode()

    assert "Choose a label, then move the slider" in page
    assert "Just above" not in page
    assert "Make it a rule" not in page


def test_the_rule_is_made_of_what_the_page_shows(client, dan, library):
    dan.is_staff = dan.is_superuser = True
    dan.save()

    page = client.get(reverse("labels_threshold"), {"label": "Sky", "at": "80"}).content.decode()

    assert "Show at or above 80 %</strong> · 1 photo loses this label, 1 keeps it." in page
    assert ">60%</span>" in page
    # Inside of what htmx replaces, so that it follows the slider.
    rule = page[page.index('id="threshold"') :]
    assert "patterns=Sky&amp;action=accept&amp;min_confidence=80" in rule


def test_another_persons_photos_are_not_previewed(client, eve, library):
    hers = factory.many_photos(eve, 1)[0]
    factory.label_as(hers, answer(label("Sky", 54)))

    found = client.get(reverse("labels_threshold"), {"label": "Sky", "at": "40"}).context

    assert found["come"] == 1


def test_the_price_comes_before_the_work(client, dan, eve, library, commits):
    factory.many_photos(eve, 2)
    page = client.get(reverse("relabel"), {"version": "1.0"})
    assert page.context["estimate"]["photos"] == 2
    assert page.context["estimate"]["calls"] == 2

    client.post(reverse("relabel"), {"version": "1.0"})

    assert Photo.objects.filter(owner=dan, status="pending").count() == 2
    assert Photo.objects.filter(owner=eve, status="pending").count() == 0


def test_the_time_to_be_expected_is_learnt_from_earlier_answers(client, library, settings):
    settings.QUEUE_WORKERS = 2
    assert "a time that is known once" in client.get(reverse("relabel")).content.decode()

    DetectionRun.objects.filter(photo=library[0]).update(detector="fake", latency_ms=200_000)
    DetectionRun.objects.filter(photo=library[1]).update(detector="fake", latency_ms=100_000)
    page = client.get(reverse("relabel"))

    # Four photos at 150 s each, by two workers.
    assert page.context["time"] == "about 5 min"
    assert "4 detector calls, free of charge, about 5 min." in page.content.decode()


@pytest.mark.parametrize("page", ["photos", "labels"])
def test_a_selection_leads_to_labelling_it_again(client, library, page):
    factory.give_labels(library[0], "Lake")
    text = client.get(reverse(page), {"label": "Lake"}).content.decode()
    address = re.search(rf'href="({reverse("relabel")}[^"]*)"', text)[1]

    assert client.get(html.unescape(address)).context["estimate"]["photos"] == 1


def test_only_what_failed_with_a_reason_is_labelled_again(client, library):
    Photo.objects.filter(pk=library[0].pk).update(status="failed", failure_code="odd")

    client.post(reverse("relabel"), {"reason": "odd"})

    assert list(Photo.objects.filter(status="pending")) == [library[0]]
