"""The tenant's configuration as a file to keep."""

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from balancer.services import exports
from tenants.console.doors import TenantRequest, tenant_page
from tenants.roles import Verb


@require_http_methods(["GET", "HEAD"])
@tenant_page(Verb.OWN)
def download(request: TenantRequest) -> HttpResponse:
    name = f'attachment; filename="{request.tenant.slug}.json"'
    return JsonResponse(
        exports.take(request.tenant, by=request.actor, now=timezone.now()),
        headers={"Content-Disposition": name},
        json_dumps_params={"indent": 2},
    )
