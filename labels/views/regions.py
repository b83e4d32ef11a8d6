from itertools import groupby

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from labels.detectors.rekognition.regions import report, spending
from labels.models import Budget, Photo


def section():
    """Return what templates/_regions.html shows, None when Rekognition is not in use."""
    if settings.LABELS_DETECTOR != "rekognition":
        return None
    states = report.region_states()
    by_operation = groupby(states, lambda state: state["row"].operation)
    return {
        "states": states,
        "operations": [(name, list(group)) for name, group in by_operation],
        "resting": any(state["until"] for state in states),
        "spending": spending.summary(),
        "waiting_for_budget": Photo.objects.filter(
            status=Photo.Status.PENDING, failure_code__in=spending.CODES
        ).count(),
        "retry_url": reverse("regions_retry"),
        "edit_url": reverse("admin:labels_regionquota_changelist"),
        "budget_url": reverse("admin:labels_budget_change", args=[Budget.ONLY]),
    }


@staff_member_required(login_url="login")
@require_POST
def regions_retry(request):
    resting = report.probe_now()
    regions = "Region is" if resting == 1 else "Regions are"
    messages.success(request, f"{resting} resting {regions} tried again with the next photo.")
    return redirect("status")
