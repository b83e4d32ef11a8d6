from django.contrib import admin
from django.urls import include, path

admin.site.site_title = "photomgr admin"
admin.site.site_header = "photomgr administration"

urlpatterns = [
    path("", include("labels.urls")),
    path("", include("photomgr.accounts.urls")),
    path("alarms/", include("alarms.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "labels.views.errors.bad_request"
handler500 = "labels.views.errors.server_error"
