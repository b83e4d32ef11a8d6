"""What browsers ask for by fixed names, and what a phone needs to put the site on its home screen."""

import io
import json

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image


@pytest.mark.parametrize(("name", "kind"), [("favicon.ico", "ICO"), ("apple-touch-icon.png", "PNG")])
def test_fixed_names_are_answered_without_signing_in(name, kind):
    answer = Client().get(f"/{name}")

    assert answer.status_code == 200
    assert Image.open(io.BytesIO(b"".join(answer))).format == kind


def test_the_manifest_names_icons_that_exist_in_their_sizes():
    answer = Client().get("/manifest.webmanifest")

    assert answer["Content-Type"] == "application/manifest+json"
    for icon in json.loads(answer.content)["icons"]:
        path = finders.find(icon["src"].removeprefix("/static/"))
        assert "x".join(map(str, Image.open(path).size)) == icon["sizes"]
