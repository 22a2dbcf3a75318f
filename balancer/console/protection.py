"""Rate limits and security headers: a page of each; who may not edit sees what is set."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from balancer.console import protection_sentences as protection_sentences  # adds what the service says
from balancer.console.protection_forms import RateLimitForm, SecurityHeadersForm
from balancer.console.saving import changed_meanwhile, saved, say_saved, seen
from balancer.queries import protection as queries
from balancer.services import protection
from billing.queries import limits
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.formwork import ConsoleForm
from tenants.console.page import page
from tenants.restkit import access
from tenants.roles import Verb

NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # nothing was set yet


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_page(post=Verb.EDIT)
def rate_limit(request: TenantRequest) -> HttpResponse:
    def save(values: dict[str, Any]) -> Any:
        return protection.limit_clients(protection.ClientLimits(**values), by=request.actor, now=timezone.now())

    row, plan = queries.rate_limit(), limits.of(request.tenant.pk)
    context = {
        "effective": queries.effective(row, plan),
        "plan": plan,
        "nodes": queries.nodes(request.tenant),
        "is_set": row.requests_per_second is not None or bool(row.trusted_proxies),
    }
    said = gettext_lazy("The rate limit is saved.")
    return _set(request, RateLimitForm, row, save, "rate-limit", said, context)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_page(post=Verb.EDIT)
def security_headers(request: TenantRequest) -> HttpResponse:
    def save(values: dict[str, Any]) -> Any:
        return protection.dress_answers(protection.Headers(**values), by=request.actor, now=timezone.now())

    row = queries.security_headers()
    context = {"is_set": any(getattr(row, name) != "off" for name in row.said)}
    said = gettext_lazy("The security headers are saved.")
    return _set(request, SecurityHeadersForm, row, save, "security-headers", said, context)


def _set(
    request: TenantRequest,
    kind: type[RateLimitForm] | type[SecurityHeadersForm],
    row: Any,
    save: Callable[[dict[str, Any]], Any],
    name: str,
    said: Promise,
    context: dict[str, Any],
) -> HttpResponse:
    """`name` is the page's, and its template's."""
    stored, moment = kind.start(row), row.updated_at or NEVER
    form: ConsoleForm = kind(request.POST or None, initial=stored)
    sent = request.method == "POST" and form.is_valid() and not changed_meanwhile(request, moment, form, stored)
    if sent and saved(form, lambda: save(form.cleaned_data)) is not None:
        say_saved(request, str(said))
        return redirect(f"console:{name}", request.tenant.slug)
    if not access.of(request).may(Verb.EDIT):
        for field in form.fields.values():
            field.disabled = True
    template = f"balancer/{name.replace('-', '_')}.html"
    status = 422 if form.is_bound and form.errors else 200
    return page(request, template, {"form": form, "row": row, "seen": seen(moment), **context}, status=status)
