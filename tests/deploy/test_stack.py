"""The stack of deploy/photomgr.yaml, made in moto, and the application on what it puts out.

moto enforces the policy of the buckets: signatures are checked, and a call that is not allowed is refused.
"""

import io
import json
import zipfile
from urllib.parse import urlsplit

import pytest
import urllib3
from botocore.exceptions import ClientError
from django.urls import reverse

from labels.models import Bundle, LabelCount, Photo
from labels.models.photo import originals
from labels.storage.errors import StorageUnavailable
from labels.workers import lanes
from labels.workers.brokers.sqs import SqsBroker, _queue_url, _url
from photomgr import aws
from tests import factory
from tests.aws_calls import TEMPLATE
from tests.conftest import read_file
from tests.fixtures_aws import PHOTOS

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:Tried to parse AWS..S3..BucketPolicy"),
]

_REGION = "eu-west-1"
# All of them: moto leaves a null where CloudFormation leaves a statement out.
_ASKED = {
    "SiteUrl": "https://photos.example.com",
    "ImportBucket": "album",
    "MailFrom": "photos@example.com",
    "TextsRegion": _REGION,
}


@pytest.fixture
def account(s3_server, aws_account, reconnect, monkeypatch):
    """Point every client at an empty account of moto's in another Region than the default."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", _REGION)
    urllib3.request("POST", f"{s3_server.url}/moto-api/reset")
    reconnect()
    _queue_url.cache_clear()
    yield s3_server
    _queue_url.cache_clear()


@pytest.fixture
def stack(account):
    """Return the outputs of a stack made of the template."""
    stacks = aws.client("cloudformation")
    stacks.create_stack(
        StackName="photomgr",
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in _ASKED.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    [made] = stacks.describe_stacks(StackName="photomgr")["Stacks"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    return {row["OutputKey"]: row["OutputValue"] for row in made["Outputs"]}


@pytest.fixture
def role(account, stack, monkeypatch, reconnect):
    """Go on as somebody who has the stack's policies and nothing else, and have moto enforce them."""
    iam = aws.client("iam")
    iam.create_user(UserName="photomgr")
    for name in ("ApplicationPolicyArn", "AlarmsPolicyArn"):
        iam.attach_user_policy(UserName="photomgr", PolicyArn=stack[name])
    key = iam.create_access_key(UserName="photomgr")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    reconnect()
    _enforce_after(account, "0")
    yield
    _enforce_after(account, "inf")


def _enforce_after(server, calls):
    assert urllib3.request("POST", f"{server.url}/moto-api/reset-auth", body=calls).status == 200


@pytest.fixture
def application(stack, role, use_buckets):
    """Put the application's photos and archives where the outputs say."""
    use_buckets(stack["PhotosBucket"], stack["BundlesBucket"])
    return stack


def test_a_photo_goes_in_and_comes_back_with_the_rights_of_the_stack(
    account, application, client, dan, commits, keys
):
    with commits():
        photo = factory.photo(dan, factory.BLUE, (640, 480), "sea.jpg")
    content = read_file(photo.original.storage, photo.original.name)
    assert Photo.objects.get().status == Photo.Status.LABELLED
    assert LabelCount.objects.get(owner=dan, label__name="Blue").count == 1

    with commits():
        client.post(reverse("bundle_create"), {"label": "Blue"})
    bundle = Bundle.objects.get()
    assert (bundle.status, bundle.failure_reason) == (Bundle.Status.READY, "")
    with commits():
        Photo.objects.get().delete()

    # moto cannot read a signed link while it enforces.
    _enforce_after(account, "inf")
    answer = client.get(bundle.parts.get().get_absolute_url())
    assert f"/{application['BundlesBucket']}/bundles/" in answer.url
    with zipfile.ZipFile(io.BytesIO(urllib3.request("GET", answer.url).data)) as archive:
        assert archive.read("sea.jpg") == content
    assert keys(application["PhotosBucket"]) == []


def test_the_queues_deliver_messages_and_move_those_never_deleted_to_the_dead_letter_queue(stack, settings):
    # Not enforced: moto asks whether SQS may be called on everything, and the policy says on which queues.
    queue = urlsplit(stack["QueueUrl"])
    settings.SQS_REGION, settings.SQS_PREFIX = queue.hostname, queue.path.strip("/")
    for cluster, queues in lanes.queues().items():
        for name in queues:
            broker = SqsBroker(list_key=name)
            broker.enqueue("a task")
            assert broker.queue_size() == 1
            [(task_id, body)] = SqsBroker(list_key=cluster).dequeue()
            assert body == "a task"
            broker.delete(task_id)
            assert (broker.queue_size(), broker.lock_size()) == (0, 0)
            found = aws.client("sqs").get_queue_attributes(QueueUrl=_url(name), AttributeNames=["All"])
            rule = json.loads(found["Attributes"]["RedrivePolicy"])
            assert rule["deadLetterTargetArn"].endswith(":photomgr-dead")


def test_nothing_else_in_the_account_may_be_touched(account, stack, request):
    aws.client("s3").create_bucket(Bucket=PHOTOS, CreateBucketConfiguration={"LocationConstraint": _REGION})
    request.getfixturevalue("role")
    request.getfixturevalue("use_buckets")(PHOTOS, PHOTOS)

    with pytest.raises(StorageUnavailable) as raised:
        originals().save("a", factory.picture())
    assert raised.value.code == "AccessDenied"
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.client("s3").delete_bucket(Bucket=stack["PhotosBucket"])
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.client("s3").put_object(Bucket=stack["PhotosBucket"], Key="elsewhere/a", Body=b"x")


def test_the_bucket_of_photos_stays_when_the_stack_goes(stack):
    aws.client("s3").put_object(Bucket=stack["PhotosBucket"], Key="originals/a", Body=b"photo")

    aws.client("cloudformation").delete_stack(StackName="photomgr")

    assert aws.client("s3").head_object(Bucket=stack["PhotosBucket"], Key="originals/a")
    left = [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]
    assert left == [stack["PhotosBucket"]]
