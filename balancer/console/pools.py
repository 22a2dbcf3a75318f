"""Pools: the list, one with its backends, and what can be done to it."""

from typing import Any

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from balancer.console import lists
from balancer.console.finding import pool_of
from balancer.console.frame import page
from balancer.console.rows import PoolRow, backend_rows
from balancer.console.saving import changed_meanwhile, saved, say_saved, seen
from balancer.console.serving_form import PoolForm
from balancer.haproxy.desired import CheckType
from balancer.haproxy.listeners import Mode
from balancer.models import Pool
from balancer.queries import status
from balancer.services import pools
from balancer.services.pools import NewPool
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.sentences import sentence
from tenants.errors import Refused
from tenants.roles import Verb


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    found = lists.pools(request.GET, pool_rows(request))
    return page(request, "balancer/pools.html", {"list": found, "rows": found.shown})


def pool_rows(request: TenantRequest) -> list[PoolRow]:
    """Three queries, and one round trip to Redis."""
    found = list(
        Pool.objects.annotate(
            configured=Count("backends", distinct=True), routes_count=Count("routes", distinct=True)
        ).order_by("name", "pk")
    )
    seen_now = status.pools(request.tenant.key, [pool.key for pool in found], now=timezone.now())
    return [PoolRow(pool, seen_now[pool.key], pool.configured, pool.routes_count) for pool in found]


@tenant_page(Verb.EDIT)
def create(request: TenantRequest) -> HttpResponse:
    start = PoolForm.start()
    if request.GET.get("mode") == Mode.TCP:
        start |= {"mode": Mode.TCP.value, "check_type": CheckType.TCP.value}
    form = PoolForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        done = saved(form, lambda: pools.create(NewPool(**form.cleaned_data), by=request.actor, now=timezone.now()))
        if done is not None:
            say_saved(request, _("The pool %(name)s is there. Next: its backends.") % {"name": done.object.name})
            return redirect("console:pool", request.tenant.slug, done.object.pk)
    return page(request, "balancer/pool_form.html", {"form": form}, status=status_of(form))


@tenant_page()
def detail(request: TenantRequest, pool_id: str) -> HttpResponse:
    pool = pool_of(pool_id)
    backends = pool.backends.select_related("pool").order_by("ip", "host", "port", "pk")
    found = lists.backends(request.GET, backend_rows(request.tenant, backends, now=timezone.now()))
    context = {
        "pool": pool,
        "list": found,
        "rows": found.shown,
        "routes": pool.routes.order_by("host", "path_prefix", "pk"),
        "summary": status.pools(request.tenant.key, [pool.key], now=timezone.now())[pool.key],
        "algorithm": dict(PoolForm.base_fields["algorithm"].choices)[pool.algorithm],  # type: ignore[attr-defined]
    }
    return page(request, "balancer/pool.html", context)


@tenant_page(Verb.EDIT)
def edit(request: TenantRequest, pool_id: str) -> HttpResponse:
    pool = pool_of(pool_id)
    stored = PoolForm.start(pool)
    form = PoolForm(request.POST or None, initial=stored, but=pool)
    if request.method == "POST" and form.is_valid() and not changed_meanwhile(request, pool.updated_at, form, stored):
        done = saved(form, lambda: pools.update(pool, form.cleaned_data, by=request.actor, now=timezone.now()))
        if done is not None:
            say_saved(request, _("%(name)s is saved.") % {"name": done.object.name})
            return redirect("console:pool", request.tenant.slug, pool.pk)
    context = {"form": form, "pool": pool, "seen": seen(pool.updated_at)}
    return page(request, "balancer/pool_form.html", context, status=status_of(form))


@tenant_page(Verb.EDIT)
def delete(request: TenantRequest, pool_id: str) -> HttpResponse:
    """A page that asks; its button sends the POST."""
    pool = pool_of(pool_id)
    context: dict[str, Any] = {
        "pool": pool,
        "backends": pool.backends.count(),
        "routes": list(pool.routes.order_by("host", "path_prefix", "pk")[:10]),
    }
    if request.method == "POST":
        try:
            pools.delete(pool, by=request.actor, now=timezone.now())
        except Refused as refused:
            return page(request, "balancer/pool_delete.html", {**context, "refused": sentence(refused)}, status=409)
        say_saved(request, _("The pool %(name)s is deleted.") % {"name": pool.name})
        return redirect("console:pools", request.tenant.slug)
    return page(request, "balancer/pool_delete.html", context)


def status_of(form: PoolForm) -> int:
    """422, so that a script and a test can tell a refused form from an empty one."""
    return 422 if form.is_bound and form.errors else 200
