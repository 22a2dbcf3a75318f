"""The console's pages of one tenant."""

from django.urls import path

from balancer.console import (
    backends,
    changes,
    deployments,
    domains,
    export,
    live,
    logs,
    overview,
    pools,
    protection,
    routes,
    start,
)
from balancer.console import menu as menu  # adds the entries

app_name = "console"
urlpatterns = [
    path("t/<str:slug>", overview.overview),
    path("t/<str:slug>/", overview.overview, name="overview"),
    path("t/<str:slug>/live.json", live.live, name="live"),
    path("t/<str:slug>/pools", pools.index, name="pools"),
    path("t/<str:slug>/pools/new", pools.create, name="pool-new"),
    path("t/<str:slug>/pools/<str:pool_id>", pools.detail, name="pool"),
    path("t/<str:slug>/pools/<str:pool_id>/edit", pools.edit, name="pool-edit"),
    path("t/<str:slug>/pools/<str:pool_id>/delete", pools.delete, name="pool-delete"),
    path("t/<str:slug>/pools/<str:pool_id>/backends/new", backends.add, name="backend-new"),
    path("t/<str:slug>/backends/<str:backend_id>/edit", backends.edit, name="backend-edit"),
    path("t/<str:slug>/backends/<str:backend_id>/delete", backends.remove, name="backend-delete"),
    path("t/<str:slug>/backends/<str:backend_id>/draining", backends.drain, name="backend-drain"),
    path("t/<str:slug>/backends/<str:backend_id>/row", backends.row, name="backend-row"),
    path("t/<str:slug>/backends/<str:backend_id>/<str:act>", backends.act, name="backend-act"),
    path("t/<str:slug>/routes", routes.index, name="routes"),
    path("t/<str:slug>/routes/new", routes.create, name="route-new"),
    path("t/<str:slug>/routes/<str:route_id>/edit", routes.edit, name="route-edit"),
    path("t/<str:slug>/routes/<str:route_id>/delete", routes.delete, name="route-delete"),
    path("t/<str:slug>/routes/<str:route_id>/<str:act>", routes.switch, name="route-switch"),
    path("t/<str:slug>/start", start.start, name="start"),
    path("t/<str:slug>/export.json", export.download, name="export"),
    path("t/<str:slug>/domains", domains.index, name="domains"),
    path("t/<str:slug>/domains/new", domains.add, name="domain-new"),
    path("t/<str:slug>/domains/<str:domain_id>", domains.detail, name="domain"),
    path("t/<str:slug>/domains/<str:domain_id>/verify", domains.verify, name="domain-verify"),
    path("t/<str:slug>/domains/<str:domain_id>/remove", domains.remove, name="domain-remove"),
    path("t/<str:slug>/deployments", deployments.index, name="deployments"),
    path("t/<str:slug>/deployments/<int:number>", deployments.detail, name="deployment"),
    path("t/<str:slug>/rate-limit", protection.rate_limit, name="rate-limit"),
    path("t/<str:slug>/security-headers", protection.security_headers, name="security-headers"),
    path("t/<str:slug>/logs", logs.index, name="logs"),
    path("t/<str:slug>/changes", changes.index, name="changes"),
]
