"""What goes wrong with object storage, as OSErrors: FileNotFoundError, ObjectUnreadable, StorageTrouble."""

import errno
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

# A HEAD has no body: its "code" is the status.
_MISSING = {"NoSuchKey", "404", "NoSuchUpload"}
_DENIED = {"AccessDenied", "AllAccessDisabled", "403", "Forbidden"}
# A word of ours, for what S3 calls an invalid argument.
TOO_MANY_PARTS = "TooManyParts"
# Whose fault it is, in words for the person who waits; the code goes to the log.
_REASONS = {
    "the storage's bucket does not exist": {"NoSuchBucket"},
    "access to the storage is denied": _DENIED,
    "the credentials for the storage have expired": {
        *("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"),
    },
    "the credentials for the storage are not valid": {
        *("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId"),
        *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"),
    },
    "the storage is in another Region than the one that is configured": {
        *("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"),
        *("301", "TemporaryRedirect"),
    },
    "the server's clock is wrong": {"RequestTimeTooSkewed"},
    "the storage does not know what is asked of it: its class, its encryption, or the call": {
        *("InvalidStorageClass", "NotImplemented", "MethodNotAllowed", "InvalidEncryptionAlgorithmError"),
    },
    "the storage takes no more parts of one upload; a larger BUNDLE_CHUNK_BYTES makes fewer": {
        TOO_MANY_PARTS
    },
    "the storage is full": {"QuotaExceeded", "InsufficientStorage", "507"},
    "the storage cannot be reached": {
        *("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError"),
    },
}
_REASON_OF = {code: reason for reason, codes in _REASONS.items() for code in codes}


class StorageTrouble(OSError):
    """The storage as a whole does not serve us now; no single object is to blame. `code` is S3's word."""

    def __init__(self, code):
        self.code = code
        # With an errno: an error without one is taken for a decoder's complaint about a picture.
        super().__init__(errno.EIO, _REASON_OF.get(code, "the storage does not answer as it should"), code)


class ObjectUnreadable(OSError):
    """This one object cannot be read although the storage works; `strerror` says why."""

    def __init__(self, reason, key):
        super().__init__(errno.EACCES, reason, key)


@contextmanager
def talking(key=None, denied_is_trouble=lambda: True):
    """Turn botocore's errors into ours while talking about `key`.

    S3 says "access denied" for one object as for everything: `denied_is_trouble` finds out which.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if key is not None and code in _MISSING:
            raise FileNotFoundError(errno.ENOENT, "no longer in storage", key) from error
        if key is not None and code == "InvalidObjectState":
            raise ObjectUnreadable("it lies in an archive and has to be restored first", key) from error
        if key is not None and code in _DENIED and not denied_is_trouble():
            raise ObjectUnreadable("access to it is denied", key) from error
        raise StorageTrouble(code) from error
    except BotoCoreError as error:
        raise StorageTrouble(type(error).__name__) from error
