"""Domains: what is this tenant's own, what to publish to prove it, and what the last look saw."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from balancer.console import words
from balancer.console.forms import DomainForm
from balancer.console.saving import saved
from balancer.fleet.models import DomainProof
from balancer.services import domains
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.page import page
from tenants.console.sentences import sentence, translated
from tenants.errors import Refused
from tenants.roles import Verb


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    return listed(request, DomainForm(initial={"domain": request.GET.get("domain", "")}))


@require_POST
@tenant_page(Verb.SECRETS)
def add(request: TenantRequest) -> HttpResponse:
    form = DomainForm(request.POST)
    if form.is_valid():
        wanted = form.cleaned_data["domain"]
        done = saved(form, lambda: domains.add(wanted, by=request.actor, now=timezone.now()))
        if done is not None:
            messages.success(request, _("%(domain)s is in your list. Now publish its record.") % {"domain": done})
            return redirect("console:domain", request.tenant.slug, done.pk)
    return listed(request, form, status=422)


@require_http_methods(["GET", "HEAD"])
@tenant_page()
def detail(request: TenantRequest, domain_id: str) -> HttpResponse:
    return shown(request, _domain(request, domain_id))


@require_POST
@tenant_page(Verb.SECRETS)
def verify(request: TenantRequest, domain_id: str) -> HttpResponse:
    proof = _domain(request, domain_id)
    try:
        domains.verify(proof, by=request.actor, now=timezone.now())
    except Refused as refused:
        said = [sentence(one) for one in refused.errors or [refused]]
        return shown(request, _domain(request, domain_id), refused=said, status=refused.status)
    messages.success(request, _("%(domain)s is yours: its hosts can be routed.") % {"domain": proof})
    return redirect("console:domain", request.tenant.slug, proof.pk)


@require_POST
@tenant_page(Verb.SECRETS)
def remove(request: TenantRequest, domain_id: str) -> HttpResponse:
    proof = _domain(request, domain_id)
    try:
        domains.remove(proof, by=request.actor, now=timezone.now())
    except Refused as refused:
        return shown(request, proof, refused=[sentence(refused)], status=refused.status)
    messages.success(request, _("%(domain)s is removed from your list.") % {"domain": proof})
    return redirect("console:domains", request.tenant.slug)


def shown(
    request: TenantRequest, proof: DomainProof, *, refused: Sequence[str] = (), status: int = 200
) -> HttpResponse:
    context = {"proof": proof, "state": words.DOMAIN[proof.state], "refused": refused}
    context["problem"] = translated(proof.problem)
    return page(request, "balancer/domain.html", context, status=status)


def listed(request: TenantRequest, form: DomainForm, *, status: int = 200) -> HttpResponse:
    found = DomainProof.objects.filter(tenant=request.tenant).order_by("domain", "pk")
    rows: list[dict[str, Any]] = [{"proof": proof, "state": words.DOMAIN[proof.state]} for proof in found]
    return page(request, "balancer/domains.html", {"rows": rows, "form": form}, status=status)


def _domain(request: TenantRequest, domain_id: str) -> DomainProof:
    found = DomainProof.objects.filter(tenant=request.tenant, pk=domain_id).first()
    if found is None:
        raise Http404
    return found


vars(verify)["throttle_class_name"] = "expensive"  # as the API's
