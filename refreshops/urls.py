"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from refreshops.runtime.health import healthz

handler400 = "refreshops.console.refusals.bad_request"
handler403 = "refreshops.console.refusals.forbidden"
handler404 = "refreshops.console.refusals.not_found"
handler500 = "refreshops.console.refusals.broken"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("", include("refreshops.connect.urls")),
    path("", admin.site.urls),
]
