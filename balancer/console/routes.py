"""Routes: which host and path goes to which pool."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from balancer.console.finding import route_of
from balancer.console.forms import RouteForm
from balancer.console.frame import page
from balancer.console.saving import changed_meanwhile, saved, say_saved, seen
from balancer.console.traffic import curl
from balancer.models import Pool, Route
from balancer.queries import status
from balancer.services import routes
from balancer.services.routes import NewRoute
from tenants.console.doors import TenantRequest, tenant_page
from tenants.roles import Verb

SWITCHES = {"enable": True, "disable": False}


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    found = list(Route.objects.select_related("pool").order_by("host", "path_prefix", "pk"))
    seen_now = status.pools(request.tenant.key, {route.pool.key for route in found if route.pool}, now=timezone.now())
    rows = [
        {"route": route, "status": seen_now[route.pool.key] if route.pool else None, "curl": curl(route)}
        for route in found
    ]
    return page(request, "balancer/routes.html", {"rows": rows, "pools": Pool.objects.count()})


@tenant_page(Verb.EDIT)
def create(request: TenantRequest) -> HttpResponse:
    start = {**RouteForm.start(), "pool": request.GET.get("pool", "")}
    form = RouteForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        new = NewRoute(**form.cleaned_data)
        done = saved(form, lambda: routes.create(new, by=request.actor, now=timezone.now()))
        if done is not None:
            say_saved(request, _("The route %(route)s is there.") % {"route": done.object})
            return redirect("console:routes", request.tenant.slug)
    return form_page(request, {"form": form, "pools": Pool.objects.count()})


@tenant_page(Verb.EDIT)
def edit(request: TenantRequest, route_id: str) -> HttpResponse:
    route = route_of(route_id)
    stored = RouteForm.start(route)
    form = RouteForm(request.POST or None, initial=stored)
    if request.method == "POST" and form.is_valid() and not changed_meanwhile(request, route.updated_at, form, stored):
        done = saved(form, lambda: routes.update(route, form.cleaned_data, by=request.actor, now=timezone.now()))
        if done is not None:
            say_saved(request, _("The route %(route)s is saved.") % {"route": done.object})
            return redirect("console:routes", request.tenant.slug)
    return form_page(request, {"form": form, "route": route, "pools": 1, "seen": seen(route.updated_at)})


@tenant_page(Verb.EDIT)
def delete(request: TenantRequest, route_id: str) -> HttpResponse:
    """A page that asks; its button sends the POST."""
    route = route_of(route_id)
    if request.method == "POST":
        routes.delete(route, by=request.actor, now=timezone.now())
        say_saved(request, _("The route %(route)s is deleted.") % {"route": route})
        return redirect("console:routes", request.tenant.slug)
    return page(request, "balancer/route_delete.html", {"route": route})


@tenant_page(Verb.EDIT)
def switch(request: TenantRequest, route_id: str, act: str) -> HttpResponse:
    if act not in SWITCHES:
        raise Http404
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    route = route_of(route_id)
    routes.update(route, {"enabled": SWITCHES[act]}, by=request.actor, now=timezone.now())
    said = _("%(route)s takes requests again.") if SWITCHES[act] else _("%(route)s takes no more requests.")
    say_saved(request, said % {"route": route})
    return redirect("console:routes", request.tenant.slug)


def form_page(request: TenantRequest, context: dict[str, Any]) -> HttpResponse:
    form = context["form"]
    return page(request, "balancer/route_form.html", context, status=422 if form.is_bound and form.errors else 200)
