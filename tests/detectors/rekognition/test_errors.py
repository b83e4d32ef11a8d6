"""Whose fault an error is: the table of Amazon's documentation and botocore's own."""

import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError

from labels.detectors.rekognition.errors import Fault, classify


def _answered(code, status=400, message="words"):
    return exceptions.ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "DetectLabels",
    )


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (_answered("ProvisionedThroughputExceededException"), Fault.THROTTLE),
        (_answered("ThrottlingException"), Fault.THROTTLE),
        (_answered("Whatever", 429), Fault.THROTTLE),
        (_answered("ThrottlingException", 500, "Service Unavailable"), Fault.REGION),
        (_answered("InternalServerError", 500), Fault.REGION),
        (_answered("502", 502), Fault.REGION),
        (_answered("503", 503), Fault.REGION),
        (_answered("504", 504), Fault.REGION),
        (_answered("InvalidImageFormatException"), Fault.IMAGE),
        (_answered("ImageTooLargeException"), Fault.IMAGE),
        (_answered("413", 413), Fault.IMAGE),
        (_answered("InvalidParameterException"), Fault.PHOTO),
        (_answered("InvalidS3ObjectException"), Fault.IMAGE),
        (_answered("AccessDeniedException"), Fault.ACCOUNT),
        (_answered("UnrecognizedClientException"), Fault.ACCOUNT),
        (_answered("ExpiredTokenException"), Fault.ACCOUNT),
        (_answered("InvalidSignatureException", 403), Fault.ACCOUNT),
        (_answered("SomethingNew"), Fault.ACCOUNT),
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), Fault.REGION),
        (exceptions.ConnectTimeoutError(endpoint_url="https://x"), Fault.REGION),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), Fault.REGION),
        (exceptions.ConnectionClosedError(endpoint_url="https://x"), Fault.REGION),
        (exceptions.SSLError(endpoint_url="https://x", error="certificate"), Fault.REGION),
        (ResponseParserError("not JSON"), Fault.REGION),
        (exceptions.NoCredentialsError(), Fault.ACCOUNT),
        (exceptions.PartialCredentialsError(provider="env", cred_var="secret"), Fault.ACCOUNT),
        (exceptions.CredentialRetrievalError(provider="role", error_msg="away"), Fault.ACCOUNT),
        (exceptions.ProfileNotFound(profile="x"), Fault.ACCOUNT),
    ],
    ids=lambda value: str(value)[:70],
)
def test_an_error_is_classified_by_whose_fault_it_is(error, fault):
    assert classify(error).fault is fault


def test_only_a_read_timeout_may_have_been_billed():
    assert classify(exceptions.ReadTimeoutError(endpoint_url="https://x")).may_be_billed
    assert not classify(exceptions.ConnectTimeoutError(endpoint_url="https://x")).may_be_billed
    assert not classify(_answered("InternalServerError", 500)).may_be_billed
