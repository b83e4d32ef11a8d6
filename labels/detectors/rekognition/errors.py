"""Pure: whose fault an error of Rekognition is, and whether it passes.

botocore's names stop here. Source: "Error handling" and the service model of Amazon Rekognition.
"""

from dataclasses import dataclass
from enum import Enum

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

# botocore's parser over JSON of another shape than Amazon's: numbers that are none, a list for an object.
_PARSER = (ResponseParserError, ValueError, TypeError, AttributeError)
# What a call may raise.
RAISED = (BotoCoreError, ClientError, *_PARSER)
# What never reached Amazon whole, or came back in pieces.
_LINE = (ConnectionError, HTTPClientError, *_PARSER)


class Fault(Enum):
    PHOTO = "this photo, for good"
    BYTES = "these bytes; others of the same photo may do"
    OBJECT = "the object in S3; the bytes may do"
    THROTTLE = "too fast for this Region"
    REGION = "this Region, for now"
    ACCOUNT = "our credentials or rights, until somebody mends them"


@dataclass(frozen=True)
class Trouble:
    fault: Fault
    code: str
    words: str
    may_be_billed: bool = False


_BY_CODE = {
    "ProvisionedThroughputExceededException": Fault.THROTTLE,
    "ThrottlingException": Fault.THROTTLE,
    "Throttling": Fault.THROTTLE,
    "TooManyRequestsException": Fault.THROTTLE,
    "RequestLimitExceeded": Fault.THROTTLE,
    "InvalidImageFormatException": Fault.BYTES,
    "ImageTooLargeException": Fault.BYTES,
    "InvalidParameterException": Fault.PHOTO,
    "InvalidS3ObjectException": Fault.OBJECT,
}


def classify(error):
    """Return the Trouble behind what a call raised."""
    if isinstance(error, ClientError):
        return _answered(error)
    words = f"{type(error).__name__}: {error}"
    if isinstance(error, _LINE):
        # After a read time-out nobody knows whether Amazon did the work.
        return Trouble(Fault.REGION, type(error).__name__, words, isinstance(error, ReadTimeoutError))
    return Trouble(Fault.ACCOUNT, type(error).__name__, words)


def _answered(error):
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    words = f"{code}: {error.response.get('Error', {}).get('Message', '')}"
    if status == 413:
        return Trouble(Fault.BYTES, code, words)
    # "Service Unavailable" comes as a ThrottlingException with status 500.
    if status >= 500 or code == "InternalServerError":
        return Trouble(Fault.REGION, code, words)
    if status == 429:
        return Trouble(Fault.THROTTLE, code, words)
    # Access denied, a bad signature, an expired token, a Region that is not enabled, and what is yet to come:
    # an operator has to look, and no photo is to blame.
    return Trouble(_BY_CODE.get(code, Fault.ACCOUNT), code, words)
