"""Where the resources of traffic are mounted."""

from django.urls import URLPattern, URLResolver, re_path

from balancer.api.backends import BackendViewSet, PoolBackendViewSet
from balancer.api.bulk import BulkViewSet
from balancer.api.configuration import ConfigurationViewSet, ReloadViewSet
from balancer.api.deployments import DeploymentViewSet
from balancer.api.domains import DomainViewSet
from balancer.api.import_reports import ImportReportViewSet
from balancer.api.listeners import ListenerViewSet
from balancer.api.logs import LogViewSet
from balancer.api.pending import DeliveryViewSet, PendingViewSet
from balancer.api.pools import PoolViewSet
from balancer.api.protection import RateLimitViewSet, SecurityHeadersViewSet
from balancer.api.revisions import RevisionViewSet
from balancer.api.routes import RouteViewSet
from balancer.api.tenant_config import ConfigViewSet
from tenants.restkit.routers import ID, TENANT, tenant_urls

urlpatterns: list[URLPattern | URLResolver] = [
    *tenant_urls("pools", PoolViewSet),
    *tenant_urls(rf"pools/(?P<pool>{ID})/backends", PoolBackendViewSet, "pool-backends"),
    *tenant_urls("backends", BackendViewSet),
    *tenant_urls("routes", RouteViewSet),
    *tenant_urls("listeners", ListenerViewSet),
    *tenant_urls("deployments", DeploymentViewSet),
    *tenant_urls("bulk", BulkViewSet),
    *tenant_urls("revisions", RevisionViewSet),
    *tenant_urls("imports", ImportReportViewSet),
    *tenant_urls("changes", PendingViewSet),
    *tenant_urls("delivery", DeliveryViewSet),
    *tenant_urls("domains", DomainViewSet),
    *tenant_urls("logs", LogViewSet),
    *tenant_urls("rate-limit", RateLimitViewSet),
    *tenant_urls("security-headers", SecurityHeadersViewSet),
    re_path(
        rf"^api/tenants/{TENANT}/config/?$",
        ConfigViewSet.as_view({"get": "retrieve", "put": "update"}),
        name="tenant-config",
    ),
    re_path(rf"^api/tenants/{TENANT}/export/?$", ConfigViewSet.as_view({"get": "export"}), name="tenant-export"),
    # After `/api/tenants/{tenant}/config`, which shows limits and settings.
    *tenant_urls("config", ConfigurationViewSet, "configuration"),
    *tenant_urls("reload", ReloadViewSet),
]
