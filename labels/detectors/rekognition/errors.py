"""Pure: whose fault an error of Rekognition is, and whether it passes.

botocore's names stop here. Source: "Error handling" and the service model of Amazon Rekognition.
"""

from dataclasses import dataclass
from enum import Enum

from botocore import exceptions
from botocore.parsers import ResponseParserError

# botocore's parser over JSON of another shape than Amazon's: numbers that are none, a list for an object.
_PARSER = (ResponseParserError, ValueError, TypeError, AttributeError)
# What a call may raise.
RAISED = (exceptions.BotoCoreError, exceptions.ClientError, *_PARSER)
# What never reached Amazon whole, or came back in pieces.
_NETWORK = (exceptions.ConnectionError, exceptions.HTTPClientError, *_PARSER)


class Fault(Enum):
    PHOTO = "this photo, for good"
    IMAGE = "this form of the photo; another may do"
    THROTTLE = "too fast for this Region"
    REGION = "this Region, for now"
    ACCOUNT = "our credentials or rights, until an operator fixes them"


@dataclass(frozen=True)
class Failure:
    fault: Fault
    code: str
    message: str
    may_be_billed: bool = False


_BY_CODE = {
    "ProvisionedThroughputExceededException": Fault.THROTTLE,
    "ThrottlingException": Fault.THROTTLE,
    "Throttling": Fault.THROTTLE,
    "TooManyRequestsException": Fault.THROTTLE,
    "RequestLimitExceeded": Fault.THROTTLE,
    "InvalidImageFormatException": Fault.IMAGE,
    "ImageTooLargeException": Fault.IMAGE,
    "InvalidS3ObjectException": Fault.IMAGE,
    "InvalidParameterException": Fault.PHOTO,
}


def classify(error):
    """Return the Failure behind what a call raised."""
    if not isinstance(error, exceptions.ClientError):
        code = type(error).__name__
        fault = Fault.REGION if isinstance(error, _NETWORK) else Fault.ACCOUNT
        # After a read time-out nobody knows whether Amazon did the work.
        return Failure(fault, code, f"{code}: {error}", isinstance(error, exceptions.ReadTimeoutError))
    response = error.response
    code = response.get("Error", {}).get("Code", "")
    message = f"{code}: {response.get('Error', {}).get('Message', '')}"
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    # Access denied, a bad signature, an expired token, a Region that is not enabled, and what is yet to come:
    # an operator has to look, and no photo is to blame.
    fault = _BY_CODE.get(code, Fault.ACCOUNT)
    if status == 413:
        fault = Fault.IMAGE
    # "Service Unavailable" comes as a ThrottlingException with status 500.
    elif status >= 500 or code == "InternalServerError":
        fault = Fault.REGION
    elif status == 429:
        fault = Fault.THROTTLE
    return Failure(fault, code, message)
