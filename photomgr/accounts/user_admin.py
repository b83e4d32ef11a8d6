"""Accounts in the admin: made without a password that somebody has to hand over."""

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm

from photomgr.accounts import invitations
from photomgr.outbox import PermanentFailure, TemporaryFailure


class AddUserForm(AdminUserCreationForm):
    email = forms.EmailField(help_text="Downloads that are ready are announced here.")
    send_invitation = forms.BooleanField(
        required=False,
        initial=True,
        label="Send an invitation",
        help_text="A mail with a link to choose a password. Then none is needed here.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["usable_password"].initial = "false"


class InvitingUserAdmin(UserAdmin):
    add_form = AddUserForm
    add_fieldsets = [
        (None, {"fields": ["username", "email", "send_invitation"]}),
        ("Password", {"fields": ["usable_password", "password1", "password2"]}),
    ]
    actions = ["invite"]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change and form.cleaned_data.get("send_invitation"):
            self._send(request, obj)

    @admin.action(description="Send an invitation to choose a password", permissions=["change"])
    def invite(self, request, queryset):
        for user in queryset:
            self._send(request, user)

    def _send(self, request, user):
        try:
            invitations.send(user)
        except (TemporaryFailure, PermanentFailure) as error:
            self.message_user(request, f"{user} was not invited: {error}", messages.ERROR)
        else:
            self.message_user(request, f"{user} was invited by a mail to {user.email}.", messages.SUCCESS)
