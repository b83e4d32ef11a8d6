"""A person's phone number, and whether texts go there. No page here has an id: everybody sees their own."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from labels.forms import CodeForm, PhoneForm
from labels.models import Phone
from labels.notices import phones


@require_GET
def texts(request):
    return _page(request)


# GET too: a page of errors has this address, and may be opened again.
@require_http_methods(["GET", "POST"])
def texts_code(request):
    if request.method == "GET":
        return redirect("texts")
    _check_on()
    form = PhoneForm(request.POST)
    if form.is_valid():
        is_second = phones.waiting_code(request.user)
        number = form.cleaned_data["number"]
        try:
            phones.send_code(request.user, number)
        except phones.NotSent as reason:
            form.add_error("number", str(reason))
        else:
            if is_second:
                again = f"A new code is on its way to {number}. The one before is no longer good."
                messages.info(request, again)
            return redirect("texts")
    return _page(request, phone_form=form)


@require_http_methods(["GET", "POST"])
def texts_confirm(request):
    if request.method == "GET":
        return redirect("texts")
    _check_on()
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            phones.confirm_code(request.user, form.cleaned_data["code"])
        except phones.NotConfirmed as reason:
            form.add_error("code", str(reason))
        else:
            messages.success(request, "Your number is confirmed. We will text you when a download has ended.")
            return redirect("texts")
    return _page(request, code_form=form)


@require_POST
def texts_cancel(request):
    phones.cancel_code(request.user)
    return redirect("texts")


@require_POST
def texts_switch(request):
    wanted = request.POST.get("wanted") == "1"
    if wanted:
        _check_on()
    if phones.set_wanted(request.user, wanted):
        said = "We will text you when a download has ended." if wanted else "Texts are off."
        messages.success(request, said)
    return redirect("texts")


@require_POST
def texts_remove(request):
    phones.forget_phone(request.user)
    messages.success(request, "Your number is forgotten.")
    return redirect("texts")


def _page(request, phone_form=None, code_form=None):
    code = phones.waiting_code(request.user)
    return render(
        request,
        "texts.html",
        {
            "nav": "texts",
            "is_on": bool(settings.SMS_REGION),
            "phone": Phone.objects.filter(owner=request.user).first(),
            "waiting_for": code.number if code else "",
            # The last wrong code, or one that is too late: what it said still has to be read.
            "code_errors": [] if code or not code_form else code_form.errors.get("code", []),
            "phone_form": phone_form or PhoneForm(),
            "code_form": code_form or CodeForm(),
            "limits": {
                "minutes": phones.MINUTES,
                "hour": phones.CODES_AN_HOUR,
                "day": phones.CODES_A_DAY,
                "texts": settings.SMS_DAILY_LIMIT_EACH,
                "countries": settings.SMS_COUNTRIES,
            },
        },
    )


def _check_on():
    if not settings.SMS_REGION:
        raise Http404("Text messages are off.")
