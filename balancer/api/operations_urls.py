"""What operates the service: health, status, cluster, tickets. Included at the root."""

from django.urls import URLPattern, URLResolver, re_path

from balancer.api import health
from balancer.api.cluster import ClusterViewSet
from balancer.api.debug import DebugPoolsViewSet
from balancer.api.debug_backends import DebugBackendsViewSet
from balancer.api.debug_performance import DebugPerformanceViewSet
from balancer.api.debug_routes import DebugRoutesViewSet
from balancer.api.node_join import NodeJoin
from balancer.api.nodes import NodeViewSet
from balancer.api.status import StatusViewSet
from balancer.api.streams import ControlViewSet, ForceViewSet
from balancer.api.system_drain import SystemDrainView
from balancer.api.tickets import TicketViewSet
from tenants.restkit.routers import tenant_urls, urls

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^health/?$", health.healthy, name="health"),
    re_path(r"^health/live/?$", health.live, name="health-live"),
    re_path(r"^health/ready/?$", health.ready, name="health-ready"),
    re_path(
        r"^api/system/drain/?$",
        SystemDrainView.as_view({"get": "list", "post": "create", "delete": "destroy"}),
        name="system-drain",
    ),
    re_path(r"^api/nodes/join/?$", NodeJoin.as_view(), name="node-join"),
    *urls("nodes", NodeViewSet, "node"),
    *tenant_urls("status", StatusViewSet),
    *tenant_urls("cluster", ClusterViewSet),
    *tenant_urls("debug/pools", DebugPoolsViewSet, "debug-pools"),
    *tenant_urls("debug/backends", DebugBackendsViewSet, "debug-backends"),
    *tenant_urls("debug/routes", DebugRoutesViewSet, "debug-routes"),
    re_path(r"^api/debug/performance/?$", DebugPerformanceViewSet.as_view({"get": "list"}), name="debug-performance"),
    *tenant_urls("ws/ticket", TicketViewSet),
    *tenant_urls("ws/control", ControlViewSet, "ws-control"),
    *tenant_urls("ws/force-update", ForceViewSet, "ws-force-update"),
]
