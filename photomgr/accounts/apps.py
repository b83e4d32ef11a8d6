from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "photomgr.accounts"
    label = "accounts"

    def ready(self):
        from photomgr.accounts import checks, second_factor, sessions  # noqa: F401 (registers them, notes who signs in)
