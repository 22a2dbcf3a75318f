"""Search: one field over what a tenant has. A page by itself; with a script its answer also opens below the field."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from balancer.console.frame import page
from balancer.queries import search
from tenants.console.doors import TenantRequest, tenant_page


@require_safe
@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    asked = request.GET.get("q", "").strip()[: search.MOST]
    # NUL is a character that no name has, and that the database takes in no question.
    found = search.of(request.tenant, asked.replace("\0", ""))
    context = {"asked": asked, "found": found, "each": search.EACH, "least": search.LEAST}
    return page(request, "balancer/search.html", context)
