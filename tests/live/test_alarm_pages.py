"""The pages about alarms in a real browser, with a fortnight of data by the minute behind them."""

import pytest

from tests.live.person import Person
from tests.live.test_pages import LOOKS, WIDTHS, overflows, violations

pytestmark = pytest.mark.browser

_FILL = """
import numpy as np
from django.utils import timezone
from alarms.experiments import series
from tests.alarms import factory
from tests.alarms.readings.test_readings import publish_many
now = timezone.now().replace(second=0, microsecond=0)
orders = series.orders(np.random.default_rng(4), 2 * series.WEEK)
orders[-720:-690] //= 2
publish_many(orders, end=now)
found = factory.alarm_set()
metric = factory.metric(natural_min=0.0)
factory.static(found, metric, role="floor")
print("pk", factory.band(found, metric).pk)
"""
PAGES = {
    "alarms": "/alarms/",
    "alarm": "/alarms/{pk}/",
    "alarm-chart": "/alarms/{pk}/chart/?span=2w",
    "alarm-chart-wrong": "/alarms/{pk}/chart/?k=wide",
    "alarm-doctor": "/alarms/doctor/",
    "alarm-history": "/alarms/history/",
    "alarm-plan": "/alarms/sets/shop/plan/",
}


@pytest.fixture(scope="module")
def operator(site, chromium):
    made = Person(site, chromium, staff=True)
    printed = made.installation.manage("shell", "-c", _FILL)
    made.alarm = printed.split("pk ")[1].split()[0]
    made.installation.manage("alarms_doctor", codes=(0, 1, 2))
    made.be_signed_in()
    yield made
    made.context.close()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_accessible_and_fits_the_screen(operator, photograph, name, width, scheme):
    page = operator.page
    operator.complaints.clear()
    operator.expected[:] = [r"status of 400"] if name.endswith("-wrong") else []
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(PAGES[name].format(pk=operator.alarm))
    page.wait_for_load_state("networkidle")
    found = violations(page)
    wide = overflows(page)
    photograph(page, name)

    assert found == []
    assert wide == []
    assert operator.complaints == []


def test_the_what_ifs_of_the_chart_are_reached_and_followed_by_keyboard(operator):
    page = operator.page
    page.goto(PAGES["alarm-chart"].format(pk=operator.alarm))

    for _ in range(60):
        page.keyboard.press("Tab")
        if "k=3.5" in (page.evaluate("document.activeElement.getAttribute('href')") or ""):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")
    page.wait_for_url("**k=3.5**")

    assert outline != "none"
