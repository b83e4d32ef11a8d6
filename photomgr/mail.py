"""Send mail by Django's backends, and say of each error whether the mail may have been sent."""

import smtplib

from django.core.mail.backends.smtp import EmailBackend

from photomgr.outbox import OutcomeUnknown, TemporaryFailure


def send(mail):
    """Send an EmailMessage; return the fields of its delivery. Raise TemporaryFailure or OutcomeUnknown."""
    try:
        mail.send()
    except _errors() as error:
        raise _failure(error) from error
    return {"message_id": getattr(mail, "path", "")}


class SMTPBackend(EmailBackend):
    """Django's backend, which also says when nobody knows whether the server took the mail."""

    @property
    def connection_class(self):
        return type("SMTP", (_DataMixin, super().connection_class), {})


class _DataMixin:
    def data(self, message):
        """Send the mail itself; from here on the server may have it although no answer comes."""
        try:
            return super().data(message)
        except smtplib.SMTPServerDisconnected as error:
            raise OutcomeUnknown(
                f"The mail server gave no answer, the mail may or may not have gone out ({error})."
            ) from error


def _errors():
    """Return what backends raise; Python asks once something was raised, and the imports are slow."""
    from anymail.exceptions import AnymailError
    from botocore.exceptions import BotoCoreError, ClientError

    return smtplib.SMTPException, AnymailError, BotoCoreError, ClientError, OSError


def _failure(error):
    from anymail.exceptions import AnymailError
    from botocore.exceptions import HTTPClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, AnymailError):
        # Its own text repeats that of its cause.
        error = error.__cause__ or error.__context__ or error
    # The request went out and no whole answer came: SES may have taken the mail.
    if isinstance(error, (HTTPClientError, ResponseParserError, KeyError, TypeError)):
        return OutcomeUnknown(
            f"SES gave no answer, the mail may or may not have gone out ({type(error).__name__})."
        )
    return TemporaryFailure(f"{type(error).__name__}: {error}"[:500])
