import hashlib
import re


def camel(name, taken):
    """Return letters and digits only, unique among `taken` (which grows)."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    return _unique("".join(word[:1].upper() + word[1:] for word in words)[:200] or "Alarm", name, taken)


def snake(name, taken):
    """Return lower-case letters, digits and _, a letter first, unique among `taken` (which grows)."""
    text = "_".join(re.findall(r"[a-z0-9]+", name.lower()))[:200] or "alarm"
    return _unique(text if text[0].isalpha() else f"a_{text}", name, taken)


def _unique(text, name, taken):
    if text in taken:
        # Of the name, not a number: the same alarm is called the same in the next export.
        text += hashlib.sha256(name.encode()).hexdigest()[:8]
    taken.add(text)
    return text
