"""Django's pages for passwords, with limits; a new password signs out whoever else is signed in."""

from axes.utils import reset as unlock
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views
from django.shortcuts import render

from photomgr.accounts import rates, sessions
from photomgr.accounts.proxies import client_network

_HOUR = 3600


class Reset(views.PasswordResetView):
    # Django would take the host from the request: whoever sends another gets a link to it into the mail.
    extra_email_context = {"site_url": lambda: settings.SITE_URL}

    def form_valid(self, form):
        """Send the link, known or not the same number of times, so that the limit tells nothing."""
        each, network = settings.RESETS_PER_HOUR_EACH_ADDRESS, client_network(self.request)
        limit = settings.RESETS_PER_HOUR
        if seconds := rates.take("reset from", network, each, _HOUR):
            reason = f"From your network, links are limited to {each} an hour."
        elif seconds := rates.take("reset to", rates.hidden(form.cleaned_data["email"]), limit, _HOUR):
            reason = f"Links for one mail address are limited to {limit} an hour."
        else:
            return super().form_valid(form)
        context = {"reason": reason, "wait": rates.in_words(seconds)}
        page = render(self.request, "registration/password_reset_limited.html", context, status=429)
        page.headers["Retry-After"] = str(seconds)
        return page


class ResetConfirm(views.PasswordResetConfirmView):
    def form_valid(self, form):
        response = super().form_valid(form)
        unlock(username=self.user.get_username())
        sessions.end_all(self.user)
        return response


class Change(views.PasswordChangeView):
    def form_valid(self, form):
        response = super().form_valid(form)
        if sessions.end_all(self.request.user, but=self.request.session.session_key):
            messages.success(self.request, "Your other devices are signed out.")
        return response
