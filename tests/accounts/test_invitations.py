"""Invitations: an account whose person chooses the first password by a link in a mail."""

import json
import re
import smtplib

import pytest
from django.contrib.auth import get_user_model
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

User = get_user_model()
pytestmark = pytest.mark.django_db

PASSWORD = "a long password of nobody"  # noqa: S105 (of accounts that last for one test)


class NoServer(EmailBackend):
    """A mail server that cannot be reached."""

    def send_messages(self, messages):
        raise smtplib.SMTPServerDisconnected("not there")


@pytest.fixture
def staff(client, dan):
    dan.is_staff = dan.is_superuser = True
    dan.save()
    return client


def _invite(*arguments, **options):
    call_command("invite", *arguments, **options)


def _choose_password(mail):
    [link] = re.findall(r"^http\S+$", mail.body, re.MULTILINE)
    person = Client()
    form = person.get(link.removeprefix("http://127.0.0.1:8000"), follow=True)
    return person, person.post(
        form.redirect_chain[-1][0], {"new_password1": PASSWORD, "new_password2": PASSWORD}, follow=True
    )


def test_an_invited_person_chooses_a_password_and_signs_in(mailoutbox, capsys):
    _invite("eve@example.com", format="json")

    assert json.loads(capsys.readouterr().out) == {
        "username": "eve",
        "email": "eve@example.com",
        "new_account": True,
    }
    [mail] = mailoutbox
    assert mail.to == ["eve@example.com"]
    assert "Your name there is eve." in mail.body
    _, answer = _choose_password(mail)
    assert answer.status_code == 200
    assert User.objects.get(username="eve").check_password(PASSWORD)


def test_the_link_works_once(mailoutbox):
    _invite("eve@example.com")
    _choose_password(mailoutbox[0])

    [link] = re.findall(r"^http\S+$", mailoutbox[0].body, re.MULTILINE)
    answer = Client().get(link.removeprefix("http://127.0.0.1:8000"), follow=True)

    assert "This link no longer works" in answer.content.decode()


def test_who_has_no_password_yet_is_invited_again_and_who_has_one_is_not(mailoutbox):
    _invite("eve@example.com")
    _invite("EVE@example.com")
    assert len(mailoutbox) == 2
    assert User.objects.count() == 1
    _choose_password(mailoutbox[1])

    with pytest.raises(CommandError, match="belongs to the account eve, which has a password"):
        _invite("eve@example.com")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["no address"], "email: Enter a valid email address"),
        ([""], "No account was made"),
        (
            ["dan@elsewhere.example"],
            "username: A user with that username already exists. --username names it.",
        ),
        (["x@example.com", "--username", "not a name!"], "username: Enter a valid username"),
    ],
)
def test_what_cannot_be_an_account_is_refused_and_leaves_nothing(dan, arguments, reason, mailoutbox):
    with pytest.raises(CommandError, match=re.escape(reason)):
        _invite(*arguments)

    assert User.objects.count() == 1
    assert mailoutbox == []


def test_a_mail_that_cannot_be_sent_leaves_an_account_to_be_invited_again(settings, mailoutbox):
    settings.EMAIL_BACKEND = "tests.accounts.test_invitations.NoServer"
    with pytest.raises(CommandError, match="not there.* The account eve exists; run this again"):
        _invite("eve@example.com")

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    _invite("eve@example.com")

    assert len(mailoutbox) == User.objects.count() == 1


def _add(staff, **fields):
    form = {"username": "eve", "email": "eve@example.com", "usable_password": "false", **fields}
    return staff.post(reverse("admin:auth_user_add"), form, follow=True)


def test_the_admin_makes_an_account_and_invites(staff, mailoutbox):
    page = _add(staff, send_invitation="on").content.decode()

    assert "Eve was invited by a mail to eve@example.com." in page
    _choose_password(mailoutbox[0])
    assert User.objects.get(username="eve").check_password(PASSWORD)


def test_the_admin_needs_an_address_and_sends_nothing_unasked(staff, mailoutbox):
    assert "This field is required." in _add(staff, email="").content.decode()
    _add(staff)

    assert not User.objects.get(username="eve").has_usable_password()
    assert mailoutbox == []


def test_the_admin_invites_again_and_says_who_has_no_address(staff, dan, mailoutbox):
    eve = User.objects.create_user("eve", "eve@example.com")
    bob = User.objects.create_user("bob")
    form = {"action": "invite", "_selected_action": [eve.pk, bob.pk]}

    page = staff.post(reverse("admin:auth_user_changelist"), form, follow=True).content.decode()

    assert "Bob was not invited: bob has no e-mail address." in page
    assert [mail.to for mail in mailoutbox] == [["eve@example.com"]]
