"""Which calls to AWS the application makes, and what its policies in deploy/photomgr.yaml allow.

botocore writes every request to its log before it sends it; there they are read, and nothing is patched.
"""

import logging
import sys
from functools import lru_cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "deploy" / "photomgr.yaml"
_PARTS = tuple(f"{ROOT / name}/" for name in ("labels", "alarms", "photomgr"))
_TESTS = tuple(f"{ROOT / name}/" for name in ("tests", "benchmarks"))
_POLICIES = ("ApplicationPolicy", "AlarmsPolicy")
# Where IAM calls it otherwise than the operation. Source: "Actions, resources, and condition keys for
# Amazon S3" and "… for Amazon SES" in the Service Authorization Reference.
_ACTIONS = {
    ("s3", "HeadObject"): {"s3:GetObject"},
    ("s3", "ListObjectsV2"): {"s3:ListBucket"},
    # botocore's own, where the response says that a bucket is in another Region.
    ("s3", "HeadBucket"): {"s3:ListBucket"},
    ("s3", "CreateMultipartUpload"): {"s3:PutObject"},
    ("s3", "UploadPart"): {"s3:PutObject"},
    ("s3", "CompleteMultipartUpload"): {"s3:PutObject"},
    ("s3", "ListParts"): {"s3:ListMultipartUploadParts"},
    ("s3", "ListMultipartUploads"): {"s3:ListBucketMultipartUploads"},
    ("sesv2", "SendEmail"): {"ses:SendEmail", "ses:SendRawEmail"},
}


def actions(service, operation):
    """Return the IAM actions that one operation of a client needs."""
    return _ACTIONS.get((service, operation), {f"{service}:{operation}"})


@lru_cache
def template():
    """Return the template with its short forms as {"Sub": …}, {"If": […]}."""
    return yaml.load(TEMPLATE.read_text(), _Loader)  # noqa: S506 (a SafeLoader)


@lru_cache
def allowed():
    """Return every action that the policies name."""
    found = set()
    for name in _POLICIES:
        for statement in template()["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]:
            named = statement.get("If", (None, statement))[1]["Action"]
            found |= {named} if isinstance(named, str) else set(named)
    return found


class Recorder(logging.Filter):
    """Keeps (service, operation) of the calls that our code makes, not of those that a test makes itself."""

    def __init__(self):
        super().__init__()
        self.calls = set()

    def filter(self, record):
        if str(record.msg).startswith("Making request for") and _is_ours(sys._getframe()):
            operation = record.args[0]
            self.calls.add((operation.service_model.service_name, operation.name))
        return record.levelno > logging.DEBUG

    def start(self):
        logger = logging.getLogger("botocore.endpoint")
        logger.setLevel(logging.DEBUG)
        logger.addFilter(self)

    def stop(self):
        logger = logging.getLogger("botocore.endpoint")
        logger.removeFilter(self)
        logger.setLevel(logging.NOTSET)

    def denied(self):
        """Return the calls that the policies would not allow."""
        return sorted(call for call in self.calls if not actions(*call) <= allowed())


def _is_ours(frame):
    while frame := frame.f_back:
        if frame.f_code.co_filename.startswith(_PARTS):
            return True
        if frame.f_code.co_filename.startswith(_TESTS):
            return False
    return False


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    return {suffix: loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)
