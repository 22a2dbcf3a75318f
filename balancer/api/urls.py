"""Where the resources of traffic are mounted."""

from balancer.api.backends import BackendViewSet, PoolBackendViewSet
from balancer.api.deployments import DeploymentViewSet
from balancer.api.domains import DomainViewSet
from balancer.api.pools import PoolViewSet
from balancer.api.routes import RouteViewSet
from tenants.restkit.routers import ID, tenant_urls

urlpatterns = [
    *tenant_urls("pools", PoolViewSet),
    *tenant_urls(rf"pools/(?P<pool>{ID})/backends", PoolBackendViewSet, "pool-backends"),
    *tenant_urls("backends", BackendViewSet),
    *tenant_urls("routes", RouteViewSet),
    *tenant_urls("deployments", DeploymentViewSet),
    *tenant_urls("domains", DomainViewSet),
]
