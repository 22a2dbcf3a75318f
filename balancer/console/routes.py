"""Routes: which requests are taken, what is done with them, and which one a request would get."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from balancer.console import lists, route_words
from balancer.console.finding import route_of
from balancer.console.frame import page
from balancer.console.route_form import RouteForm
from balancer.console.route_start import advanced, start
from balancer.console.route_tester import TesterForm, answer, pool_names
from balancer.console.saving import changed_meanwhile, deploying, saved, say_saved, seen
from balancer.console.traffic import curl
from balancer.models import Pool, Route
from balancer.queries import status
from balancer.services import caches, routes
from balancer.services.routes import NewRoute
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.sentences import sentence
from tenants.errors import Conflict
from tenants.roles import Verb

SWITCHES = {"enable": True, "disable": False}


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    return list_page(request, TesterForm(initial=TesterForm.start()))


@tenant_page(post=Verb.VIEW)
def test(request: TenantRequest) -> HttpResponse:
    """The same page with an answer. Sent by POST, so that no cookie of a request stands in an address or a log."""
    form = TesterForm(request.POST or None, initial=TesterForm.start())
    return list_page(request, form, open_tester=True)


def list_page(request: TenantRequest, tester: TesterForm, *, open_tester: bool = False) -> HttpResponse:
    now, names = timezone.now(), pool_names()
    found = route_words.in_order(list(Route.objects.select_related("pool").order_by("host", "path_prefix", "pk")))
    seen_now = status.pools(request.tenant.key, {route.pool.key for route in found if route.pool}, now=now)
    rows = [
        {
            "route": route,
            "line": route_words.line(route, names),
            "status": seen_now[route.pool.key] if route.pool else None,
            "curl": curl(route),
        }
        for route in found
    ]
    valid = tester.is_bound and tester.is_valid()
    told = answer(request.tenant, tester.asked(), found, names, now=now) if valid else None
    listed = lists.routes(request.GET, rows)
    context = {
        "list": listed,
        "rows": listed.shown,
        "pools": len(names),
        "tester": tester,
        "open_tester": open_tester,
        "told": told,
    }
    return page(request, "balancer/routes.html", context, status=422 if tester.is_bound and not valid else 200)


@tenant_page(Verb.EDIT)
def create(request: TenantRequest) -> HttpResponse:
    begin = {**start(), "pool": request.GET.get("pool", "")}
    form = RouteForm(request.POST or None, initial=begin)
    if request.method == "POST" and form.is_valid():
        done = saved(form, lambda: routes.create(NewRoute(**form.values()), by=request.actor, now=timezone.now()))
        if done is not None:
            say_saved(request, _("The route %(route)s is there.") % {"route": done.object})
            return redirect("console:routes", request.tenant.slug)
    return form_page(request, {"form": form, "pools": Pool.objects.count()})


@tenant_page(Verb.EDIT)
def edit(request: TenantRequest, route_id: str) -> HttpResponse:
    route = route_of(route_id)
    stored = start(route)
    form = RouteForm(request.POST or None, initial=stored)
    if request.method == "POST" and form.is_valid() and not changed_meanwhile(request, route.updated_at, form, stored):
        done = saved(form, lambda: routes.update(route, form.values(), by=request.actor, now=timezone.now()))
        if done is not None:
            say_saved(request, _("The route %(route)s is saved.") % {"route": done.object})
            return redirect("console:routes", request.tenant.slug)
    context = {"form": form, "route": route, "pools": 1, "seen": seen(route.updated_at), "advanced": advanced(route)}
    return form_page(request, context)


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


@tenant_page(Verb.RUNTIME)
def purge(request: TenantRequest, route_id: str) -> HttpResponse:
    """At once, whatever waits to be deployed."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        done = caches.purge(route_of(route_id), by=request.actor, now=timezone.now())
    except Conflict as refused:
        messages.error(request, sentence(refused))
    else:
        said = _("What %(route)s kept is given to nobody any more, once each node confirms.") % {"route": done.object}
        messages.success(request, f"{said} {deploying(request.tenant)}")
    return redirect("console:routes", request.tenant.slug)


def form_page(request: TenantRequest, context: dict[str, Any]) -> HttpResponse:
    form = context["form"]
    return page(request, "balancer/route_form.html", context, status=422 if form.is_bound and form.errors else 200)
