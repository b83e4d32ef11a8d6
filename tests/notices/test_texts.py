"""Texts about how downloads end: to those who want them, once, few, and never at a download's cost."""

import threading
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone

from labels import tasks
from labels.bundles import building, lifecycle
from labels.maintenance.sweep import sweep
from labels.models import Bundle, Delivery, Notice, Phone, SmsCount
from labels.notices import limits, phones
from labels.notices.limits import DailyLimitReached
from labels.text.phone_numbers import ONE_SMS, places
from tests import factory
from tests.storage.s3_server import cut, sns_error

pytestmark = pytest.mark.django_db

NUMBER, STOPPED = "+447700900123", "+447700900199"


@pytest.fixture
def phone(dan):
    return Phone.objects.create(owner=dan, number=NUMBER, verified_at=timezone.now())


@pytest.fixture
def refusing(s3_server):
    """Return what makes SNS refuse an action from now on, with this status, code and message."""

    def refuse(action, status, code, message):
        answer = sns_error(status, code, message)
        s3_server.rule = lambda asked: answer if asked.form.get("Action") == action else None

    return refuse


def _ended(owner):
    """Return the text that waits after a download was built."""
    if not owner.photos.exists():
        factory.photo(owner)
    bundle = factory.held_bundle(owner)
    building.build(bundle)
    return Delivery.objects.get(notice__bundle=bundle, channel="sms")


def _again(row):
    Delivery.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now())
    tasks.deliver(row.pk)
    row.refresh_from_db()


def _counted(owner=None):
    return sum(SmsCount.objects.filter(owner=owner).values_list("sent", flat=True))


def _published(server):
    return [asked.form for asked in server.asked if asked.form.get("Action") == "Publish"]


def test_an_outcome_is_texted_once(s3_server, texted, dan, phone):
    row = _ended(dan)

    for _ in range(2):
        tasks.deliver(row.pk)

    row.refresh_from_db()
    link = f"{configured.SITE_URL}/bundles/{Bundle.objects.get().pk}/"
    assert texted() == [(NUMBER, f"photomgr: Your 1 photo is ready. {link}")]
    assert (row.status, row.attempts, row.target) == (Delivery.Status.SENT, 1, "+44…23")
    assert row.message_id
    assert row.sent_at
    [asked] = _published(s3_server)
    assert asked["MessageAttributes.entry.1.Name"] == "AWS.SNS.SMS.SMSType"
    assert asked["MessageAttributes.entry.1.Value.StringValue"] == "Transactional"


@pytest.mark.parametrize(
    ("lost", "words"),
    [(1, "Your 2 photos are ready, 1 missing."), (3, "Your download could not be finished.")],
    ids=["partial", "failed"],
)
def test_it_is_enqueued_by_itself_and_other_outcomes_are_sent(texted, dan, phone, commits, lost, words):
    photos = [factory.photo(dan, size=(40 + n, 40)) for n in range(3)]
    bundle = factory.held_bundle(dan)
    for photo in photos[:lost]:
        photo.original.delete(save=False)

    with commits():
        building.build(bundle)

    [(_, text)] = texted()
    assert text.startswith(f"photomgr: {words} http")
    assert places(text) <= ONE_SMS


def test_nobody_is_texted_who_did_not_ask_for_it(texted, dan, eve, phone, settings):
    for owner in (dan, eve):
        factory.photo(owner)
    phones.set_wanted(dan, False)
    building.build(factory.held_bundle(dan))
    building.build(factory.held_bundle(eve))
    phones.set_wanted(dan, True)
    settings.SMS_REGION = ""
    factory.photo(dan, size=(41, 41))
    building.build(factory.held_bundle(dan))

    assert Notice.objects.count() == 3
    assert not Delivery.objects.filter(channel="sms").exists()


@pytest.mark.parametrize(
    "act", [lambda dan: phones.set_wanted(dan, False), phones.forget_phone], ids=["off", "removed"]
)
def test_a_text_that_is_no_longer_wanted_is_not_sent(texted, dan, phone, act):
    row = _ended(dan)
    act(dan)

    tasks.deliver(row.pk)

    row.refresh_from_db()
    assert row.status == Delivery.Status.FAILED
    assert row.failure_reason == "Texts were turned off before this one was sent."
    assert texted() == []


def test_a_text_goes_to_the_number_of_the_moment(texted, dan, phone):
    row = _ended(dan)
    Phone.objects.update(number="+447700900124")

    tasks.deliver(row.pk)

    assert [number for number, _ in texted()] == ["+447700900124"]


def test_a_phone_that_said_stop_is_left_alone_from_then_on(s3_server, client, texted, dan, phone):
    Phone.objects.update(number=STOPPED)
    row = _ended(dan)

    tasks.deliver(row.pk)

    row.refresh_from_db()
    phone.refresh_from_db()
    said = "This phone answered an earlier text with STOP, so no text may be sent to it."
    assert (row.status, row.failure_reason) == (Delivery.Status.FAILED, said)
    assert (phone.wanted, phone.trouble) == (False, said)
    assert _published(s3_server) == []
    assert _counted() == _counted(dan) == 0
    bundle = Bundle.objects.get()
    assert bundle.status == Bundle.Status.READY
    page = client.get(bundle.get_absolute_url()).content.decode()
    assert f"The text message could not be sent: {said}" in page
    assert f"Texts are off. {said}" in client.get("/accounts/texts/").content.decode()
    building.build(factory.held_bundle(dan))
    assert Delivery.objects.filter(channel="sms").count() == 1


@pytest.mark.parametrize("code", ["InvalidParameter", "ParameterValueInvalid"])
def test_a_number_that_sns_refuses_is_not_tried_again(texted, refusing, dan, phone, code):
    row = _ended(dan)
    refusing("Publish", 400, code, f"Invalid parameter: {NUMBER} is not valid to publish to")

    tasks.deliver(row.pk)

    row.refresh_from_db()
    phone.refresh_from_db()
    assert row.status == Delivery.Status.FAILED
    assert row.failure_reason == "The phone network says that there is no such number for texts."
    assert (phone.wanted, phone.trouble) == (False, row.failure_reason)
    assert _counted() == 0


@pytest.mark.django_db(transaction=True)
def test_a_number_that_was_changed_meanwhile_does_not_pay_for_the_old_one(s3_server, texted, dan, phone):
    def change_and_refuse(moto, environ, start_response):
        Phone.objects.update(number="+447700900124")
        connection.close()
        return sns_error(400, "InvalidParameter", "no")(moto, environ, start_response)

    s3_server.rule = lambda asked: change_and_refuse if asked.form.get("Action") == "Publish" else None
    # Committed for once, it is enqueued by itself.
    row = _ended(dan)

    phone.refresh_from_db()
    assert (row.status, row.target) == (Delivery.Status.FAILED, "+44…23")
    assert (phone.wanted, phone.trouble) == (True, "")


@pytest.mark.parametrize("action", ["Publish", "CheckIfPhoneNumberIsOptedOut"])
@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "Throttling"), (429, "Throttled"), (500, "InternalError"), (403, "AuthorizationError")],
)
def test_sns_in_trouble_is_tried_again(s3_server, texted, refusing, dan, phone, action, status, code):
    row = _ended(dan)
    refusing(action, status, code, f"not now, for {NUMBER}")

    tasks.deliver(row.pk)

    row.refresh_from_db()
    assert (row.status, row.attempts) == (Delivery.Status.PENDING, 1)
    assert row.next_attempt_at > timezone.now()
    assert code in row.failure_reason
    assert NUMBER not in row.failure_reason
    assert len([asked for asked in s3_server.asked if asked.form.get("Action") == action]) == 1
    assert Bundle.objects.get().status == Bundle.Status.READY
    assert _counted() == _counted(dan) == 0

    s3_server.reset()
    _again(row)
    assert (row.status, row.failure_reason) == (Delivery.Status.SENT, "")
    assert len(texted()) == _counted() == _counted(dan) == 1


def test_sns_that_stays_in_trouble_is_named_in_the_page(client, texted, refusing, dan, phone, settings):
    row = _ended(dan)
    refusing("Publish", 403, "AuthorizationError", "not authorized to perform SNS:Publish")

    for _ in range(settings.MAX_ATTEMPTS + 1):
        _again(row)

    assert (row.status, row.attempts) == (Delivery.Status.FAILED, settings.MAX_ATTEMPTS)
    page = client.get(Bundle.objects.get().get_absolute_url()).content.decode()
    assert "The text message could not be sent: AuthorizationErrorException" in page
    assert Phone.objects.get().wanted


def test_an_answer_that_is_lost_leads_to_no_second_text(s3_server, texted, dan, phone):
    row = _ended(dan)
    s3_server.rule = lambda asked: cut(0) if asked.form.get("Action") == "Publish" else None
    tasks.deliver(row.pk)
    s3_server.reset()

    _again(row)

    assert row.status == Delivery.Status.FAILED
    assert "it may or may not know" in row.failure_reason
    assert len(texted()) == _counted() == 1


def test_a_worker_killed_while_texting_leads_to_no_second_text(texted, dan, phone, commits):
    row = _ended(dan)
    Delivery.objects.filter(channel="sms").claim(row.pk, "a worker that is killed now")
    Delivery.objects.filter(channel="sms").update(lease_until=timezone.now() - timedelta(seconds=1))

    with commits():
        assert sweep()["deliveries_interrupted"] == 1
    _again(row)

    assert row.status == Delivery.Status.FAILED
    assert "it may or may not have gone out" in row.failure_reason
    assert texted() == []


def test_the_sweep_enqueues_what_was_not_sent(texted, dan, phone, commits):
    _ended(dan)

    with commits():
        assert sweep()["deliveries_enqueued"] == 2

    assert len(texted()) == 1


def test_the_sweep_ends_what_has_no_attempts_left(texted, dan, phone, settings):
    row = _ended(dan)
    Delivery.objects.filter(channel="sms").update(attempts=settings.MAX_ATTEMPTS)

    assert sweep()["deliveries_given_up"] == 1

    row.refresh_from_db()
    assert row.status == Delivery.Status.FAILED


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SMS_DAILY_LIMIT", "The 1 texts a day of this site are used up. Tomorrow there are more."),
        ("SMS_DAILY_LIMIT_EACH", "Your 1 texts a day are used up. Tomorrow there are more."),
    ],
)
def test_no_more_is_sent_in_a_day_than_the_limit(texted, dan, phone, settings, name, said):
    setattr(settings, name, 1)
    first, second = _ended(dan), _ended(dan)

    for row in (first, second):
        tasks.deliver(row.pk)

    second.refresh_from_db()
    assert (second.status, second.failure_reason) == (Delivery.Status.FAILED, said)
    assert len(texted()) == _counted() == _counted(dan) == 1
    assert set(Bundle.objects.values_list("status", flat=True)) == {Bundle.Status.READY}


def test_a_new_day_has_new_texts(texted, dan, phone, settings):
    settings.SMS_DAILY_LIMIT = 1
    first, second = _ended(dan), _ended(dan)
    tasks.deliver(first.pk)
    SmsCount.objects.update(day=timezone.localdate() - timedelta(days=1))

    tasks.deliver(second.pk)

    assert len(texted()) == 2


def test_a_download_tried_again_is_texted_anew(texted, dan, phone):
    tasks.deliver(_ended(dan).pk)
    Bundle.objects.update(status=Bundle.Status.FAILED)

    lifecycle.retry(Bundle.objects.get())

    assert not Delivery.objects.filter(channel="sms").exists()
    assert _counted(dan) == 1


def test_the_page_of_a_download_says_where_the_text_went(client, texted, dan, phone):
    row = _ended(dan)
    url = row.notice.bundle.get_absolute_url()
    waiting = client.get(url).content.decode()

    tasks.deliver(row.pk)

    assert "The text message is being sent" in waiting
    assert "Texted to +44…23" in client.get(url).content.decode()


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_count_no_more_than_the_limit(settings):
    settings.SMS_DAILY_LIMIT = 10
    owners = [factory.user(f"person{n}") for n in range(4)]
    refused = []

    def work(owner):
        for _ in range(4):
            try:
                limits.count_sms(owner)
            except DailyLimitReached as reason:
                refused.append(reason)
        connection.close()

    threads = [threading.Thread(target=work, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 6
    assert _counted() == 10
    assert sum(_counted(owner) for owner in owners) == 10
