from django.conf import settings
from django.utils.functional import SimpleLazyObject

from labels.detectors.rekognition.regions.report import refusals
from labels.models import Bundle, Notice
from labels.notices.mail import headline

_TONES = {Notice.Outcome.READY: "good", Notice.Outcome.PARTIAL: "warn", Notice.Outcome.FAILED: "bad"}


def frame(request):
    """Give every page its badge and notices: downloads that are being built, or ended and not yet seen."""
    # Not every response has a frame: htmx fetches pieces of pages.
    return {"frame": SimpleLazyObject(lambda: _frame(getattr(request, "user", None)))}


def _frame(user):
    if not user or not user.is_authenticated:
        return {}
    return {
        "building": Bundle.objects.filter(owner=user, status__in=Bundle.UNFINISHED).count(),
        "notices": [
            {
                "id": notice.pk,
                "text": headline(notice),
                "url": notice.bundle.get_absolute_url(),
                "tone": _TONES[notice.outcome],
            }
            for notice in Notice.objects.unseen_by(user)[:5]
        ],
        "texts": bool(settings.SMS_REGION),
        # What an operator has to mend stands on every page of those who can.
        "refusals": refusals() if user.is_staff else [],
    }
