from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from photomgr.accounts import invitations
from photomgr.json_command import JsonCommand
from photomgr.outbox import PermanentFailure, TemporaryFailure


class Command(JsonCommand):
    help = "Make an account for EMAIL and mail its person a link to choose a password; again for a new link."

    def add_arguments(self, parser):
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--username", help="how they sign in; by default what stands before the @")
        parser.add_argument("--staff", action="store_true", help="may enter the admin (permissions there)")

    def run(self, email, username, staff, **options):
        user, is_new = self._account(email, username or email.partition("@")[0], staff)
        try:
            invitations.send(user)
        except (TemporaryFailure, PermanentFailure) as error:
            raise CommandError(
                f"{error} The account {user.get_username()} exists; run this again."
            ) from error
        return {"username": user.get_username(), "email": user.email, "new_account": is_new}, False

    def lines(self, document):
        yield f"Invited {document['username']} <{document['email']}>."

    def _account(self, email, username, staff):
        User = get_user_model()
        known = User.objects.filter(email__iexact=email).first()
        if known and known.has_usable_password():
            raise CommandError(
                f"{email} belongs to the account {known.get_username()}, which has a password."
                " Its person can ask for a new one on the sign-in page."
            )
        if known:
            return known, False
        user = User(username=username, email=User.objects.normalize_email(email), is_staff=staff)
        user.set_unusable_password()
        try:
            user.full_clean()
            if not email:
                raise ValidationError({"email": "An address is needed."})
        except ValidationError as error:
            reasons = (f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
            raise CommandError(f"No account was made. {'; '.join(reasons)} --username names it.") from None
        user.save()
        return user, True
