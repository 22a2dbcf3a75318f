"""Where every URL begins."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("tenants.api.urls")),
    path("", include("balancer.api.urls")),
    path("", include("balancer.api.operations_urls")),
    path("staff/", admin.site.urls),
    path("", include("balancer.console.urls")),
    path("", include("tenants.console.urls")),
]
