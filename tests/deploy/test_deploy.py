"""The template in deploy/: it is valid, loses no photo, and allows what the code calls and nothing else."""

import ast
import re

import botocore.session
import pytest
from botocore import xform_name
from cfnlint.api import lint_file
from django.conf import settings

from alarms.management.commands import alarms_experiment
from labels.detectors.rekognition.detector import DETECTORS
from labels.intake import direct_uploads
from labels.workers.brokers import sqs
from tests.aws_calls import ROOT, TEMPLATE, actions, allowed, template

RESOURCES = template()["Resources"]
# Amazon S3's forms and links are signed here and used by a browser.
# How a file calls a service: by a client, or through what photomgr/sns.py and the storage offer.
_CALLS = {
    "s3": r'aws\.client\("s3"|\bstorage\.client\b',
    "sns": r'aws\.client\("sns"|\bsns\.call\(',
    "sqs": r'aws\.client\("sqs"',
    "cloudwatch": r'aws\.client\("cloudwatch"',
}
_SIGNED = {"generate_presigned_post": "PutObject"}


def _properties(name):
    return RESOURCES[name]["Properties"]


def _rules(bucket):
    return {rule["Id"]: rule for rule in _properties(bucket)["LifecycleConfiguration"]["Rules"]}


@pytest.mark.xdist_group("cfn-lint")
def test_cfn_lint_finds_nothing():
    assert list(map(str, lint_file(TEMPLATE))) == []


def test_photos_are_never_deleted_with_the_stack_nor_by_a_rule():
    photos = RESOURCES["PhotosBucket"]
    assert (photos["DeletionPolicy"], photos["UpdateReplacePolicy"]) == ("Retain", "Retain")
    expiring = {rule["Prefix"] for rule in _rules("PhotosBucket").values() if "ExpirationInDays" in rule}
    assert expiring == {"incoming/"}


@pytest.mark.parametrize("bucket", ["PhotosBucket", "BundlesBucket"])
def test_a_bucket_is_closed_and_encrypted_and_clears_what_was_left_unfinished(bucket):
    properties = _properties(bucket)
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    [rule] = properties["OwnershipControls"]["Rules"]
    assert rule == {"ObjectOwnership": "BucketOwnerEnforced"}
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": settings.S3_ENCRYPTION}
    unfinished = _rules(bucket)["unfinished-uploads"]
    assert "Prefix" not in unfinished
    assert unfinished["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_lifecycle_rules_come_after_the_sweep():
    days = template()["Parameters"]["BundleDays"]
    assert _rules("BundlesBucket")["bundles"]["Prefix"] == "bundles/"
    assert _rules("BundlesBucket")["bundles"]["ExpirationInDays"] == {"Ref": "BundleDays"}
    assert days["MinValue"] * 24 > settings.BUNDLE_KEEP_HOURS
    assert _rules("PhotosBucket")["incoming"]["ExpirationInDays"] >= direct_uploads.KEPT.days


def test_only_the_site_may_send_photos_from_a_browser():
    [rule] = _properties("PhotosBucket")["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == [{"Ref": "SiteUrl"}]
    assert rule["AllowedMethods"] == ["POST"]
    assert "CorsConfiguration" not in _properties("BundlesBucket")


@pytest.mark.parametrize(
    ("queue", "retry"),
    [
        ("LabelsQueue", settings.Q_CLUSTER["retry"]),
        ("TurnsQueue", settings.Q_CLUSTER["retry"]),
        ("PhotosQueue", settings.Q_CLUSTER["retry"]),
        ("BundlesQueue", settings.Q_CLUSTER["ALT_CLUSTERS"]["bundles"]["retry"]),
    ],
)
def test_a_message_is_hidden_as_long_as_the_cluster_may_work_on_it(queue, retry):
    assert _properties(queue)["VisibilityTimeout"] == retry
    assert _properties(queue)["ReceiveMessageWaitTimeSeconds"] == sqs._POLL_SECONDS
    assert _properties(queue)["RedrivePolicy"]["deadLetterTargetArn"] == {"GetAtt": "DeadLetters.Arn"}


def test_measurements_of_experiments_may_be_written():
    statements = _properties("AlarmsPolicy")["PolicyDocument"]["Statement"]
    [statement] = [s for s in statements if s["Action"] == "cloudwatch:PutMetricData"]
    names = statement["Condition"]["StringEquals"]["cloudwatch:namespace"]
    assert names == [{"Ref": "AlarmsNamespace"}, alarms_experiment.NAMESPACE]


def test_texts_go_to_phones_and_to_no_topic_but_ours():
    statements = _properties("ApplicationPolicy")["PolicyDocument"]["Statement"]
    publishing = [found for found in map(_shown, statements) if found["Action"] == "sns:Publish"]
    assert [found.get("Resource") for found in publishing] == [{"Ref": "Topic"}, None]
    assert publishing[1]["NotResource"] == {"Sub": "arn:${AWS::Partition}:sns:*:*:*"}
    assert publishing[1]["Condition"] == {"StringEquals": {"aws:RequestedRegion": {"Ref": "TextsRegion"}}}


def _shown(statement):
    return statement.get("If", (None, statement))[1]


def test_the_policies_name_the_calls_in_the_code_and_no_others():
    # django-anymail's only call; its own code is not searched.
    found = actions("sesv2", "SendEmail")
    # Called by the name of their operation.
    for operation in DETECTORS:
        found |= actions("rekognition", operation)
    for path in (path for part in ("labels", "alarms", "photomgr") for path in (ROOT / part).rglob("*.py")):
        text = path.read_text()
        for service in (name for name, calls in _CALLS.items() if re.search(calls, text)):
            found |= _calls_in(ast.parse(text), service)
    assert found == allowed()


def _calls_in(tree, service):
    """Return the actions behind every operation of the service that a file names."""
    words = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    words |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    operations = {xform_name(name): name for name in _operations(service)}
    if service == "s3":
        operations |= _SIGNED
    return set().union(*(actions(service, operations[word]) for word in words & operations.keys()))


def _operations(service):
    return botocore.session.Session().get_service_model(service).operation_names
