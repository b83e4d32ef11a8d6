"""What goes wrong with object storage, as OSErrors: FileNotFoundError, ObjectUnreadable, StorageTrouble."""

import errno

# A HEAD has no body: its "code" is the status.
MISSING = {"NoSuchKey", "404", "NoSuchUpload"}
DENIED = {"AccessDenied", "AllAccessDisabled", "403", "Forbidden"}
# A word of ours, for what S3 calls an invalid argument.
TOO_MANY_PARTS = "TooManyParts"
# Whose fault it is, in words for the person who waits; the code goes to the log.
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
