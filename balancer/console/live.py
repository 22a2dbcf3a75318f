"""What the socket says, by plain HTTP: for a browser whose socket cannot get through. Asked every ten seconds."""

from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from balancer.queries import status
from balancer.queries.status_json import backend_frame, node_frame, pool_frame
from tenants.console.doors import TenantRequest, tenant_page


@tenant_page()
def live(request: TenantRequest) -> HttpResponse:
    seen = status.tenant_snapshot(request.tenant.key, now=timezone.now())
    pools = seen.pools.values()
    traffic = {"sessions": sum(pool.sessions for pool in pools), "rate": sum(pool.rate for pool in pools)}
    answer = {
        "backends": {
            "backends": {backend_id: backend_frame(row) for backend_id, (_, row) in seen.by_backend().items()},
            "pools": {pool.removeprefix("p"): pool_frame(row) for pool, row in seen.pools.items()},
        },
        "status": {"nodes": {node.name: node_frame(node) for node in seen.nodes}, "totals": {"traffic": traffic}},
    }
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})
