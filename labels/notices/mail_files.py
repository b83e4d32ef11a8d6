"""Mail into files, one .eml each, for an installation without a mail server."""

import uuid
from datetime import UTC, datetime

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend


class EmailBackend(BaseEmailBackend):
    """Write each message to MAIL_DIR, and its path to the message's `path` so that a page can show it."""

    def send_messages(self, messages):
        settings.MAIL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        for message in messages:
            stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            path = settings.MAIL_DIR / f"{stamp}-{uuid.uuid4().hex[:8]}.eml"
            path.write_bytes(message.message().as_bytes(linesep="\r\n"))
            message.path = str(path)
        return len(messages)
