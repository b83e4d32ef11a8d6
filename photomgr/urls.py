from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import TemplateView

from photomgr.csp_reports import csp_report

# Browsers fetch it without cookies.
_manifest = login_not_required(
    TemplateView.as_view(template_name="manifest.webmanifest", content_type="application/manifest+json")
)

admin.site.site_title = "photomgr admin"
admin.site.site_header = "photomgr administration"

urlpatterns = [
    path("", include("labels.urls")),
    path("", include("photomgr.accounts.urls")),
    path("csp-report/", csp_report, name="csp_report"),
    path("alarms/", include("alarms.urls")),
    path("admin/", admin.site.urls),
    path("manifest.webmanifest", _manifest, name="manifest"),
]

handler400 = "labels.views.errors.bad_request"
handler500 = "labels.views.errors.server_error"
