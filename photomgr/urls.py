from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import PasswordResetView
from django.urls import include, path

# Django would take the host from the request: whoever sends another gets a link to it into the mail.
_password_reset = PasswordResetView.as_view(extra_email_context={"site_url": lambda: settings.SITE_URL})

urlpatterns = [
    path("", include("labels.urls")),
    path("alarms/", include("alarms.urls")),
    path("accounts/password_reset/", _password_reset, name="password_reset"),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "labels.views.errors.bad_request"
handler500 = "labels.views.errors.server_error"
