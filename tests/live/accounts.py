"""Make an account and a session of it, and print its id and the key: `python -m tests.live.accounts`."""

import json
import sys

PASSWORD = "a long password of nobody"


def make_account(installation, name, staff=False):
    """Return the id of a new account, whose password is PASSWORD, and the key of a session."""
    done = installation.run_python("-m", "tests.live.accounts", name, int(staff))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _main(name, staff):
    import django

    django.setup()
    from django.contrib.auth import get_user_model, login
    from django.http import HttpRequest

    from photomgr.accounts.sessions import SessionStore

    found = {"is_staff": staff == "1", "is_superuser": staff == "1"}
    user = get_user_model().objects.create_user(name, f"{name}@example.com", PASSWORD, **found)
    request = HttpRequest()
    request.session = SessionStore()
    login(request, user, "django.contrib.auth.backends.ModelBackend")
    request.session.save()
    print(json.dumps([user.pk, request.session.session_key]))


if __name__ == "__main__":
    _main(*sys.argv[1:])
