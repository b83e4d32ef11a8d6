"""Phone numbers as SNS wants them (E.164), and texts as the network counts them. No I/O."""

import re
import unicodedata

# What people put between the digits.
_BETWEEN = re.compile(r"[\s().\-/]+")
# A country code and the number within it. The shortest that exist are those of small islands.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

# The alphabet in which a text of 160 fits one SMS, and its characters that take two places.
# Source: 3GPP TS 23.038, section 6.2.1.
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = set("^{}\\[~]|€")
ONE_SMS = 160


class NotANumber(Exception):
    """What was typed is no phone number; the sentence says what is wrong with it."""


def normalised(typed: str) -> str:
    """Return what a person typed as `+` and 7 to 15 digits, or raise NotANumber."""
    text = _BETWEEN.sub("", typed)
    if re.search(r"\(\s*0\s*\)", typed):
        raise NotANumber("Leave out the (0): after the country code it is not dialled.")
    if not text.startswith("+"):
        raise NotANumber("Begin with + and the code of the country.")
    if found := re.search(r"[^0-9]", text[1:]):
        other = (
            f"“{found[0]}”" if found[0].isprintable() else unicodedata.name(found[0], "a control character")
        )
        raise NotANumber(f"A phone number has only digits after the +, and here is {other}.")
    if text.startswith("+0"):
        raise NotANumber("No country code begins with 0. Write +44 instead of 0044 or +044.")
    if not _E164.fullmatch(text):
        raise NotANumber(f"With its country code a number has 7 to 15 digits; this one has {len(text) - 1}.")
    return text


def masked(number: str) -> str:
    """Return enough of a number for its owner to know it again, and too little to dial it."""
    return f"{number[:3]}…{number[-2:]}"


def places(text: str) -> int | None:
    """Return how many of the 160 places of one SMS a text takes, None when it needs another alphabet."""
    if not set(text) <= _GSM | _GSM_TWICE:
        return None
    return len(text) + sum(character in _GSM_TWICE for character in text)
