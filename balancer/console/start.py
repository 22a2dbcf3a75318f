"""The first site: domain, addresses, and it serves. One form, one change."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from balancer.console.forms import SiteForm
from balancer.console.saving import saved, say_saved
from balancer.fleet.models import DomainProof
from balancer.services import sites
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.page import page
from tenants.roles import Verb


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_page(Verb.EDIT)
def start(request: TenantRequest) -> HttpResponse:
    proven = list(
        DomainProof.objects.filter(tenant=request.tenant).exclude(verified_at=None).values_list("domain", flat=True)
    )
    suggested = f"{request.tenant.slug}.localhost" if settings.DEMO else next(iter(proven), "")
    form = SiteForm(request.POST or None, initial={"host": suggested, "check_path": "/"})
    if request.method == "POST" and form.is_valid():
        new = sites.NewSite(**form.cleaned_data)
        done = saved(form, lambda: sites.create(new, by=request.actor, now=timezone.now()))
        if done is not None:
            say_saved(request, _("%(route)s is there.") % {"route": done.object})
            return redirect("console:overview", request.tenant.slug)
    context = {"form": form, "proven": proven, "free": settings.DEMO, "wanted": _domain_of(form)}
    return page(request, "balancer/start.html", context, status=422 if form.errors else 200)


def _domain_of(form: SiteForm) -> str:
    """What to prove for the host that was asked for."""
    host = str(form.data.get("host", "")).strip().lower()
    return host.removeprefix("*.").removeprefix("www.")
