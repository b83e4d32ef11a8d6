"""Send mail by Django's backends, and say of each error whether the mail may have been sent."""

import smtplib

from django.core.mail.backends.smtp import EmailBackend

from photomgr.outbox import OutcomeUnknown, TemporaryFailure


def send(mail):
    """Send an EmailMessage; return the fields of its delivery. Raise TemporaryFailure or OutcomeUnknown."""
    try:
        mail.send()
    except _errors() as error:
        cause = _cause(error)
        if isinstance(cause, _no_answer()):
            raise OutcomeUnknown(
                f"SES gave no answer, the mail may or may not have gone out ({type(cause).__name__})."
            ) from error
        raise TemporaryFailure(f"{type(cause).__name__}: {cause}"[:500]) from error
    return {"message_id": getattr(mail, "path", "")}


class SMTPBackend(EmailBackend):
    """Django's backend, which also says when nobody knows whether the server took the mail."""

    @property
    def connection_class(self):
        return _SMTPOverTLS if self.use_ssl else _SMTP


class _DataMixin:
    def data(self, message):
        """Send the mail itself; from here on the server may have it although no answer comes."""
        try:
            return super().data(message)
        except smtplib.SMTPServerDisconnected as error:
            raise OutcomeUnknown(
                f"The mail server gave no answer, the mail may or may not have gone out ({error})."
            ) from error


class _SMTP(_DataMixin, smtplib.SMTP):
    pass


class _SMTPOverTLS(_DataMixin, smtplib.SMTP_SSL):
    pass


def _errors():
    """Return what a backend raises; asked for only once something was raised, as the imports are slow."""
    from anymail.exceptions import AnymailError
    from botocore.exceptions import BotoCoreError, ClientError

    return smtplib.SMTPException, AnymailError, BotoCoreError, ClientError, OSError


def _no_answer():
    """Return what is raised when a request went out and no whole answer came: SES may have taken the mail."""
    from botocore.exceptions import HTTPClientError
    from botocore.parsers import ResponseParserError

    return HTTPClientError, ResponseParserError, KeyError, TypeError


def _cause(error):
    """Return the cause that anymail wraps, which its own text repeats; of others the error itself."""
    if not hasattr(error, "describe_cause"):
        return error
    return error.__cause__ or error.__context__ or error
