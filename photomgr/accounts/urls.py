from django.urls import include, path

from photomgr.accounts.views import account, passwords

urlpatterns = [
    path("account/", account.account, name="account"),
    path("account/sessions/end/", account.account_sessions_end, name="account_sessions_end"),
    path("account/sessions/<slug:handle>/end/", account.account_session_end, name="account_session_end"),
    path("accounts/password_change/", passwords.Change.as_view(), name="password_change"),
    path("accounts/password_reset/", passwords.Reset.as_view(), name="password_reset"),
    path("accounts/reset/<uidb64>/<token>/", passwords.ResetConfirm.as_view(), name="password_reset_confirm"),
    path("accounts/", include("django.contrib.auth.urls")),
]
