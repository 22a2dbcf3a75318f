"""Where every URL begins."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from tenants.console.people import staff_door

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("tenants.api.urls")),
    path("", include("billing.api.urls")),
    path("", include("balancer.api.urls")),
    path("", include("balancer.api.operations_urls")),
    path("staff/login/", staff_door.sign_in),
    path("staff/logout/", staff_door.sign_out),
    path("staff/password_change/", RedirectView.as_view(pattern_name="account:password")),
    path("staff/", admin.site.urls),
    path("", include("balancer.console.urls")),
    path("", include("tenants.console.urls")),
    path("", include("billing.console.urls")),
]

handler400 = "tenants.console.errors.bad_request"
handler403 = "tenants.console.errors.forbidden"
handler404 = "tenants.console.errors.not_found"
handler500 = "tenants.console.errors.broken"
