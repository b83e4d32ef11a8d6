from django.urls import include, path

from photomgr.accounts.views import account, passwords, second_factor

urlpatterns = [
    path("account/", account.account, name="account"),
    path("account/sessions/end/", account.account_sessions_end, name="account_sessions_end"),
    path("account/sessions/<slug:handle>/end/", account.account_session_end, name="account_session_end"),
    path("account/second-factor/", second_factor.page, name="second_factor"),
    path("account/second-factor/start/", second_factor.start, name="second_factor_start"),
    path("account/second-factor/confirm/", second_factor.confirm, name="second_factor_confirm"),
    path("account/second-factor/codes/", second_factor.codes, name="second_factor_codes"),
    path("account/second-factor/off/", second_factor.off, name="second_factor_off"),
    path("account/second-factor/verify/", second_factor.verify, name="second_factor_verify"),
    path("accounts/password_change/", passwords.Change.as_view(), name="password_change"),
    path("accounts/password_reset/", passwords.Reset.as_view(), name="password_reset"),
    path("accounts/reset/<uidb64>/<token>/", passwords.ResetConfirm.as_view(), name="password_reset_confirm"),
    path("accounts/", include("django.contrib.auth.urls")),
]
