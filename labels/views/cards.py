"""What a page shows of photos: the cards of a grid, and their number."""

from collections import defaultdict

from django.utils.formats import date_format
from django.utils.http import urlencode

from labels.models import Label, PhotoLabel

_SHOWN_IN_ALT = 3


def cards(photos, fields=()):
    """Return the cards of these photos in one query; `fields` is the selection they link within."""
    query = f"?{urlencode(fields)}" if fields else ""
    labels = _labels(photos)
    return [
        {
            "photo": photo,
            "url": photo.get_absolute_url() + query,
            "alt": alt_text(photo, labels[photo.pk]),
            "state": card_state(photo),
        }
        for photo in photos
    ]


def card_state(photo):
    """Return what decides how a photo's card looks; a page that waits for it sends it along."""
    return f"{photo.status}:{1 if photo.thumbnail else 0}"


def alt_text(photo, labels):
    """Return "Sky, Building — photo of 12 May 2024"; without a date, when it was uploaded."""
    when = f"{'of' if photo.taken_at else 'uploaded on'} {date_format(photo.shown_at, 'j F Y')}"
    return f"{', '.join(labels[:_SHOWN_IN_ALT])} — photo {when}" if labels else f"Photo {when}"


def _labels(photos):
    rows = (
        PhotoLabel.objects.visible()
        .filter(photo__in=[photo.pk for photo in photos])
        .exclude(label__category__in=Label.FACTS)
        .order_by("-confidence", "label__name")
        .values_list("photo_id", "label__name")
    )
    found = defaultdict(list)
    for photo_id, name in rows:
        found[photo_id].append(name)
    return found


def photos_in_words(count):
    return f"{count:,} photo{'' if count == 1 else 's'}"
