"""What staff do to things of others is written down where it is done, and stays as it was written."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from labels.models import LabelRule, Photo
from photomgr.accounts.audit import Audited
from photomgr.accounts.models import CannotChange, StaffAction
from tests import factory
from tests.alarms import factory as alarms
from tests.factory import MAGENTA

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    client.defaults["REMOTE_ADDR"] = "203.0.113.5"
    return client


def _written():
    return [(row.actor, row.action, row.subject, row.owner, row.count) for row in StaffAction.objects.all()]


def test_a_photo_of_somebody_else_deleted_in_the_admin(staff, eve):
    photo = factory.photo(eve, name="hers.jpg")

    staff.post(reverse("admin:labels_photo_delete", args=[photo.pk]), {"post": "yes"})

    assert _written() == [("dan", "deleted in the admin", f"photo {photo.pk}: hers.jpg", "eve", 1)]
    assert StaffAction.objects.get().address == "203.0.113.5"


def test_many_deleted_at_once_are_a_row_each(staff, eve):
    photos = [factory.photo(eve, size=(30 + n, 20)) for n in range(3)]
    chosen = {"action": "delete_selected", "_selected_action": [p.pk for p in photos], "post": "yes"}

    staff.post(reverse("admin:labels_photo_changelist"), chosen)

    assert [row[1:2] + row[3:] for row in _written()] == [("deleted in the admin", "eve", 1)] * 3


def test_an_action_of_the_admin(staff, eve):
    photos = [factory.photo(eve, size=(30 + n, 20)) for n in range(2)]
    chosen = {"action": "label_again", "_selected_action": [photo.pk for photo in photos]}

    staff.post(reverse("admin:labels_photo_changelist"), chosen)

    [(actor, action, subject, _, count)] = _written()
    assert (actor, action, count) == ("dan", "label again in the admin", 2)
    assert subject == f"photos {photos[0].pk}, {photos[1].pk}"


def test_an_account_changed_in_the_admin_names_the_fields_and_no_values(staff, eve):
    page = reverse("admin:auth_user_change", args=[eve.pk])
    form = staff.get(page).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    joined = fields.pop("date_joined")
    fields |= {"date_joined_0": joined.date(), "date_joined_1": joined.time(), "is_active": ""}

    staff.post(page, {**fields, "email": "new@example.com"})

    [(_, action, subject, _, _)] = _written()
    assert action == "changed in the admin"
    assert "mail" in subject.casefold() and "active" in subject.casefold()
    assert "new@example.com" not in subject


def test_the_buttons_of_the_pages(staff, dan, eve, commits):
    with commits():
        hers = factory.photo(eve, MAGENTA)
    LabelRule.objects.create(name="No lakes", patterns="Lake", action="hide")
    factory.label("Sky")
    url = reverse

    staff.post(url("rules_apply"))
    staff.post(url("rules_undo"))
    staff.post(url("status_retry"))
    staff.post(url("labels_rename"), {"label": "Sky", "name": "Himmel", "everyone": "1"})
    staff.post(url("changes_undo"), {"everyone": "1"})

    assert Photo.objects.get(pk=hers.pk).status == Photo.Status.PENDING
    assert [(action, count) for _, action, _, _, count in reversed(_written())] == [
        ("put rules in force", 1),
        ("went back to earlier rules", 1),
        ("had failed photos labelled again", 1),
        ("renamed a label for everyone", 0),
        ("undid a change for everyone", 0),
    ]


def test_the_buttons_of_alarms(staff):
    shop = alarms.alarm_set()
    page = alarms.static(shop, alarms.metric()).get_absolute_url()

    staff.post(f"{page}mute/", {"for": "2h"})
    staff.post(f"{page}mute/", {"for": "ever"})
    staff.post(f"{page}unmute/")
    staff.post(f"{page}switch/")
    staff.post(reverse("alarm_apply", args=[shop.name]), {"fingerprint": "x"})

    assert [(row[1], row[2]) for row in reversed(_written())] == [
        ("muted an alarm", "shop-floor for 2h"),
        ("ended mutes of an alarm", "shop-floor"),
        ("switched an alarm off", "shop-floor"),
        ("had a plan of alarms applied", "shop"),
    ]


def test_what_people_do_to_their_own_things_is_nobodys_business(client, dan, commits):
    with commits():
        photo = factory.photo(dan)

    client.post(reverse("photo_delete", args=[photo.pk]))
    client.post(reverse("labels_rename"), {"label": "Red", "name": "Rot"})

    assert _written() == []


def test_the_log_is_only_added_to(staff, dan):
    row = StaffAction.objects.create(actor="dan", actor_number=dan.pk, action="looked", subject="it")

    for change in (row.save, row.delete, StaffAction.objects.all().delete):
        with pytest.raises(CannotChange):
            change()
    with pytest.raises(CannotChange):
        StaffAction.objects.update(actor="eve")
    assert staff.get(reverse("admin:accounts_staffaction_change", args=[row.pk])).status_code == 200
    assert staff.post(reverse("admin:accounts_staffaction_delete", args=[row.pk])).status_code == 403
    assert staff.get(reverse("admin:accounts_staffaction_add")).status_code == 403


def test_the_log_outlives_whoever_wrote_it(staff, dan, eve):
    staff.post(reverse("admin:labels_photo_delete", args=[factory.photo(eve).pk]), {"post": "yes"})

    dan.delete()
    eve.delete()

    assert [(row[0], row[3]) for row in _written()] == [("dan", "eve")]


def test_every_page_of_the_admin_writes_it():
    # Those of Django and of other packages, too.
    assert apps.get_model("auth", "User") in admin.site._registry
    assert all(isinstance(page, Audited) for page in admin.site._registry.values())
