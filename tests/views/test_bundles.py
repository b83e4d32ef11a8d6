"""Downloads in the pages: each state in words, the badge, the notices, the files."""

import hashlib
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from labels.bundles import building as building_module
from labels.bundles import lifecycle, sums
from labels.models import Bundle, Notice
from labels.models.bundle import bundle_files
from labels.selection.predicate import Selection
from tests import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def bundle(dan):
    """A download of two photos in two parts, held by a worker that has not begun."""
    for number in range(2):
        factory.photo(dan, size=(60 + number, 40), name=f"{number}.jpg")
    return factory.held_bundle(dan, part_bytes=1)


@pytest.fixture
def ready(bundle):
    building_module.build(bundle)
    bundle.refresh_from_db()
    return bundle


def _page(client, bundle):
    return client.get(bundle.get_absolute_url())


@pytest.mark.parametrize(
    ("fields", "line", "buttons"),
    [
        pytest.param({"status": "queued"}, "Waiting for its turn — 2 photos, ", {"cancel"}, id="queued"),
        pytest.param(
            {"status": "building", "photos_done": 1},
            "Building — 1 of 2 photos, 0\xa0bytes of ",
            {"cancel"},
            id="building",
        ),
        pytest.param(
            {"status": "ready", "bytes_done": 1024}, "Ready — 2 photos, 1.0\xa0KB", set(), id="ready"
        ),
        pytest.param(
            {"status": "partial", "photos_done": 1, "bytes_done": 1024},
            "Ready, but 1 of 2 photos could not be read — 1.0\xa0KB",
            {"retry"},
            id="partial",
        ),
        pytest.param({"status": "failed"}, "This download could not be finished", {"retry"}, id="failed"),
        pytest.param({"status": "cancelled"}, "Cancelled", {"retry"}, id="cancelled"),
        pytest.param(
            {"status": "expired"}, "Expired — downloads are kept for 24 hours", {"retry"}, id="expired"
        ),
    ],
)
def test_each_state_is_said_in_words_with_what_can_be_done(client, bundle, fields, line, buttons):
    Bundle.objects.update(expires_at=timezone.now() + timedelta(hours=1), **fields)

    answer = _page(client, bundle)

    page = answer.content.decode()
    assert answer.context["state_line"].startswith(line)
    assert line in page
    assert {name for name in ("cancel", "retry") if f"/{name}/" in page} == buttons
    assert ("<progress" in page) == ("cancel" in buttons)
    assert ('hx-trigger="every 1s"' in page) == ("cancel" in buttons)
    assert f"{reverse('labels')}?everything=1" in page


def test_progress_says_how_long_it_will_take(client, bundle):
    Bundle.objects.update(
        started_at=timezone.now() - timedelta(seconds=10), photos_done=1, bytes_done=bundle.planned_bytes // 2
    )

    answer = _page(client, bundle)

    assert answer.context["state_line"].endswith(", about 10 s left")
    assert f'value="{bundle.planned_bytes // 2}"' in answer.content.decode()


def test_the_state_alone_is_what_htmx_polls(client, bundle):
    page = client.get(reverse("bundle_state", args=[bundle.pk])).content.decode()

    assert page.startswith('<div id="state"')
    assert "<html" not in page


def test_a_ready_download_lists_its_parts_with_size_and_sum(client, ready):
    page = _page(client, ready).content.decode()

    for part in ready.parts.all():
        assert f'href="{part.get_absolute_url()}"' in page
        assert part.sha256 in page
        assert part.file_name in page
        assert f"Download part {part.number}" in page
    assert "Kept until " in page


def test_a_part_is_sent_as_a_file_with_its_name_and_length(client, ready):
    part = ready.parts.last()

    answer = client.get(part.get_absolute_url())

    content = b"".join(answer.streaming_content)
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == f'attachment; filename="{part.file_name}"'
    assert int(answer["Content-Length"]) == part.size == len(content)
    assert hashlib.sha256(content).hexdigest() == sums.work_out(part)


def test_a_part_that_does_not_exist_is_404(client, ready):
    assert client.get(reverse("bundle_part", args=[ready.pk, 3])).status_code == 404


def _expired_by_the_sweep(bundle):
    lifecycle.expire(timezone.now() + timedelta(days=2))


def _past_its_time(bundle):
    Bundle.objects.update(expires_at=timezone.now())


def _gone_from_storage(bundle):
    for part in bundle.parts.all():
        bundle_files().delete(part.file.name)


@pytest.mark.parametrize("end", [_expired_by_the_sweep, _past_its_time, _gone_from_storage])
def test_an_old_link_leads_back_with_a_sentence(client, ready, end):
    link = ready.parts.first().get_absolute_url()
    end(ready)

    answer = client.get(link, follow=True)

    assert answer.redirect_chain == [(ready.get_absolute_url(), 302)]
    assert "This download is no longer kept. You can ask for it again." in answer.content.decode()


def test_cancel_and_try_again_by_their_buttons(client, bundle, commits):
    cancelled = client.post(reverse("bundle_cancel", args=[bundle.pk]), follow=True)
    nothing = client.post(reverse("bundle_cancel", args=[bundle.pk]), follow=True)
    with commits():
        client.post(reverse("bundle_retry", args=[bundle.pk]))

    assert "The download is cancelled." in cancelled.content.decode()
    assert "It had ended already." in nothing.content.decode()
    bundle.refresh_from_db()
    assert bundle.status == Bundle.Status.READY


def test_the_badge_counts_what_is_built_and_then_what_is_new(client, bundle, commits):
    building = client.get(reverse("photos")).content.decode()
    building_module.build(bundle)
    new = client.get(reverse("photos")).content.decode()
    _page(client, bundle)
    seen = client.get(reverse("photos")).content.decode()

    assert 'class="badge">1<span class="sr-only"> being built' in building
    assert 'class="badge">1<span class="sr-only"> new' in new
    assert "Your 2 photos are ready" in new
    assert "badge" not in seen
    assert "Your 2 photos are ready" not in seen


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 302), ({"HX-Request": "true"}, 200)], ids=["form", "htmx"]
)
def test_a_dismissed_notice_does_not_come_back(client, ready, headers, status):
    notice = Notice.objects.get()

    answer = client.post(reverse("notice_dismiss", args=[notice.pk]), headers=headers)

    assert answer.status_code == status
    page = client.get(reverse("bundles")).content.decode()
    assert "Your 2 photos are ready" not in page
    assert 'class="new"' not in page


def test_the_list_shows_what_was_requested_newest_first(client, dan, ready):
    for photo in dan.photos.all():
        factory.give_labels(photo, "Lake")
    factory.held_bundle(dan, Selection(any=("Lake",), none=("Person",)))

    answer = client.get(reverse("bundles"))

    assert [row["words"] for row in answer.context["bundles"]] == ["Lake; none of Person", "all photos"]
    assert [row["is_new"] for row in answer.context["bundles"]] == [False, True]
    assert answer.context["bundles"][1]["bytes"] == ready.bytes_done
    page = answer.content.decode()
    assert "<progress" in page
    assert "kept until" in page


def test_the_list_offers_what_is_ready_and_shows_its_first_photos(client, dan, commits):
    with commits():
        photos = [factory.photo(dan, (40 * n, 0, 0), (200 + n, 150), f"IMG_{n}.jpg") for n in range(6)]
    whole, parts, failed = (factory.held_bundle(dan, part_bytes=size) for size in (10**9, 1, 2))
    building_module.build(whole)
    building_module.build(parts)
    Bundle.objects.filter(pk=failed.pk).update(status="failed")

    page = client.get(reverse("bundles")).content.decode()
    rows = page.split('<li class="bundle-row">')[:0:-1]

    assert f'href="{whole.parts.get().get_absolute_url()}"' in rows[0]
    assert "6 parts" in rows[1]
    assert 'class="button"' not in rows[2]
    assert rows[0].count("/thumbnail/") == 4
    for photo in photos:
        photo.delete()
    assert "/thumbnail/" not in client.get(reverse("bundles")).content.decode()


def test_the_list_goes_on_page_by_page(client, dan):
    factory.photo(dan)
    newest_first = [factory.held_bundle(dan).get_absolute_url() for _ in range(53)][::-1]

    first = client.get(reverse("bundles"))
    second = client.get(first.context["next_url"])

    shown = [
        row["bundle"].get_absolute_url() for answer in (first, second) for row in answer.context["bundles"]
    ]
    assert shown == newest_first
    assert second.context["next_url"] is None


def test_nothing_requested_yet_says_where_to_begin(client):
    page = client.get(reverse("bundles")).content.decode()

    assert "No downloads yet" in page
    assert reverse("labels") in page


def test_a_refused_selection_keeps_its_ticks(client, dan):
    factory.photo(dan)

    answer = client.post(reverse("bundle_create"), {"label": "Unicorn", "none": "Lake", "match": "all"})

    assert answer.url == f"{reverse('labels')}?match=all&label=Unicorn&none=Lake"


def test_a_refused_selection_of_many_labels_is_answered_with_the_page_itself(client, dan):
    photos = factory.many_photos(dan, 1)
    names = [f"Label number {number}" for number in range(990)]
    factory.give_labels(photos[0], *names)

    answer = client.post(reverse("bundle_create"), {"label": [*names, "Unicorn"], "match": "all"})

    # A Location of 20 KB is a 414 from the next proxy.
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "No photo" in page or "no photo" in page
    assert page.count("checked") >= 200
