"""Pure: when two names are the same name."""

import unicodedata


def fold(name: str) -> str:
    """Return the key under which names are the same label: NFC, folded case, single spaces.

    "Straße" and "STRASSE" are one label, and so are the two ways to write "Café".
    """
    folded = unicodedata.normalize("NFC", " ".join(name.split())).casefold()
    # Folding may take the composed form apart again.
    return unicodedata.normalize("NFC", folded)
