"""The errors of object storage, all OSErrors: FileNotFoundError, ObjectUnreadable, StorageUnavailable."""

import errno

# The answer to a HEAD request has no body: its code is the HTTP status.
MISSING = {"NoSuchKey", "404", "NoSuchUpload"}
DENIED = {"AccessDenied", "AllAccessDisabled", "403", "Forbidden"}
# Our own code, where servers answer InvalidArgument.
TOO_MANY_PARTS = "TooManyParts"
# The reason, for the person who waits; the code is logged.
_REASONS = {
    "the storage's bucket does not exist": {"NoSuchBucket"},
    "access to the storage is denied": DENIED,
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


class StorageUnavailable(OSError):
    """The storage as a whole cannot be used now; no single object is the cause. `code` is S3's error code."""

    def __init__(self, code):
        self.code = code
        # An OSError without an errno is taken for a picture that cannot be decoded.
        super().__init__(errno.EIO, _REASON_OF.get(code, "the storage does not answer as it should"), code)


class ObjectUnreadable(OSError):
    """One object cannot be read although the storage works; `strerror` says why."""

    def __init__(self, reason, key):
        super().__init__(errno.EACCES, reason, key)


class PartsChanged(OSError):
    """The uploaded parts have other ETags than expected: some have to be sent again."""
