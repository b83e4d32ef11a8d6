"""The topic is notified how downloads end: once, later when SNS is away, never at the cost of a download."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from labels import tasks
from labels.bundles import building, lifecycle
from labels.maintenance.sweep import sweep
from labels.models import Bundle, Delivery, Notice
from photomgr import aws
from tests import factory
from tests.storage.s3_server import cut, error

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

_REGION = "eu-west-1"


@pytest.fixture
def heard(s3, settings, monkeypatch):
    """Set a topic in moto up and return what lists the messages that a queue got from it since."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    sns, sqs = aws.client("sns", _REGION), aws.client("sqs", _REGION)
    settings.SNS_TOPIC_ARN = sns.create_topic(Name="photomgr")["TopicArn"]
    queue = sqs.create_queue(QueueName="listener")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=settings.SNS_TOPIC_ARN, Protocol="sqs", Endpoint=attributes["QueueArn"])

    def messages():
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", ())]

    yield messages
    aws._client.cache_clear()


def _ended(dan):
    """Return the message to the topic about a download that was just built."""
    factory.photo(dan, name="secret.jpg")
    bundle = factory.held_bundle(dan)
    building.build(bundle)
    return Delivery.objects.get(notice__bundle=bundle, channel="topic")


def _is_sns(asked):
    return f"/{_REGION}/sns/" in asked.headers.get("authorization", "")


def _again(row):
    Delivery.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now())
    tasks.deliver(row.pk)
    row.refresh_from_db()


def test_an_outcome_is_published_once(heard, dan, settings):
    row = _ended(dan)

    for _ in range(2):
        tasks.deliver(row.pk)

    [published] = heard()
    bundle = Bundle.objects.get()
    assert published["Subject"] == f"Download {bundle.pk}: ready"
    assert published["MessageAttributes"]["outcome"]["Value"] == "ready"
    assert json.loads(published["Message"]) == {
        "bundle": bundle.pk,
        "owner": "dan",
        "outcome": "ready",
        "photos": 1,
        "missing": 0,
        "bytes": bundle.bytes_done,
        "reason": "",
        "link": f"{settings.SITE_URL}/bundles/{bundle.pk}/",
    }
    row.refresh_from_db()
    assert (row.status, row.message_id) == (Delivery.Status.SENT, published["MessageId"])


def test_it_is_enqueued_by_itself_and_a_failure_says_why(heard, dan, commits):
    photo = factory.photo(dan)
    bundle = factory.held_bundle(dan)
    photo.original.delete(save=False)

    with commits():
        building.build(bundle)

    [published] = heard()
    message = json.loads(published["Message"])
    assert (message["outcome"], message["missing"]) == ("failed", 0)
    assert message["reason"] == "None of the photos could be read from storage."


def test_a_topic_that_refuses_is_tried_again_and_the_download_stays(s3, heard, dan, settings):
    row = _ended(dan)
    s3.rule = lambda asked: error(500, "InternalError") if _is_sns(asked) else None

    tasks.deliver(row.pk)
    row.refresh_from_db()
    assert (row.status, row.attempts) == (Delivery.Status.PENDING, 1)
    assert row.next_attempt_at > timezone.now()
    assert len([asked for asked in s3.asked if _is_sns(asked) and asked.method == "POST"]) >= 1
    assert Bundle.objects.get().status == Bundle.Status.READY
    assert heard() == []

    s3.reset()
    _again(row)
    assert row.status == Delivery.Status.SENT
    assert len(heard()) == 1


def test_a_topic_that_is_gone_is_given_up_with_the_reason(heard, dan, settings):
    row = _ended(dan)
    aws.client("sns", _REGION).delete_topic(TopicArn=settings.SNS_TOPIC_ARN)

    for _ in range(settings.MAX_ATTEMPTS + 1):
        _again(row)

    assert (row.status, row.attempts) == (Delivery.Status.FAILED, settings.MAX_ATTEMPTS)
    assert "NotFound" in row.failure_reason
    assert Bundle.objects.get().status == Bundle.Status.READY


def test_an_answer_that_is_lost_leads_to_no_second_message(s3, heard, dan):
    row = _ended(dan)
    s3.rule = lambda asked: cut(0) if _is_sns(asked) else None
    tasks.deliver(row.pk)
    s3.reset()

    _again(row)

    assert row.status == Delivery.Status.FAILED
    assert "it may or may not know" in row.failure_reason
    assert len(heard()) == 1


def test_a_worker_killed_while_publishing_leads_to_no_second_message(heard, dan, commits):
    row = _ended(dan)
    Delivery.objects.filter(channel="topic").claim(row.pk, "a worker that is killed now")
    Delivery.objects.filter(channel="topic").update(lease_until=timezone.now() - timedelta(seconds=1))

    with commits():
        assert sweep()["deliveries_interrupted"] == 1

    row.refresh_from_db()
    assert row.status == Delivery.Status.FAILED
    assert heard() == []


def test_the_sweep_enqueues_what_was_not_published(heard, dan, commits):
    _ended(dan)

    with commits():
        assert sweep()["deliveries_enqueued"] == 2

    assert len(heard()) == 1


def test_a_download_tried_again_is_published_anew(heard, dan):
    tasks.deliver(_ended(dan).pk)
    Bundle.objects.update(status=Bundle.Status.FAILED)

    lifecycle.retry(Bundle.objects.get())

    assert not Notice.objects.exists()
    assert not Delivery.objects.filter(channel="topic").exists()


def test_without_a_topic_nobody_is_notified(s3, dan):
    factory.photo(dan)
    building.build(factory.held_bundle(dan))

    assert Notice.objects.exists()
    assert not Delivery.objects.filter(channel="topic").exists()
