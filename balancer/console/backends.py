"""Backends: add, change, remove, and the runtime acts on one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from balancer.console.drain_form import DrainForm
from balancer.console.finding import backend_of, pool_of
from balancer.console.forms import BackendForm, WeightForm
from balancer.console.frame import page
from balancer.console.rows import backend_rows
from balancer.console.saving import changed_meanwhile, saved, say_saved, seen
from balancer.models import Backend
from balancer.queries import names
from balancer.services import backends
from balancer.services.backends import NewBackend
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.sentences import sentence, translated
from tenants.errors import InvalidField, Refused
from tenants.roles import Verb

Act = Callable[[Backend, TenantRequest], Any]
LAST_ONES = ("last_backend", "last_healthy")  # refusals that may be forced


def forced(request: TenantRequest) -> bool:
    return request.POST.get("force") == "yes"


def weigh(backend: Backend, request: TenantRequest) -> Any:
    form = WeightForm(request.POST)
    if not form.is_valid():
        raise InvalidField("weight", " ".join(str(error) for error in form.errors["weight"]))
    return backends.set_weight(backend, form.cleaned_data["weight"], by=request.actor, now=timezone.now())


ACTS: dict[str, Act] = {
    "drain": lambda b, r: backends.drain(b, by=r.actor, now=timezone.now(), force=forced(r)),
    "maintain": lambda b, r: backends.maintain(b, by=r.actor, now=timezone.now(), force=forced(r)),
    "ready": lambda b, r: backends.ready(b, by=r.actor, now=timezone.now()),
    "weight": weigh,
}


@tenant_page(Verb.EDIT)
def add(request: TenantRequest, pool_id: str) -> HttpResponse:
    pool = pool_of(pool_id)
    form = BackendForm(request.POST or None, initial=BackendForm.start())
    if request.method == "POST" and form.is_valid():
        new = NewBackend(**form.cleaned_data)
        done = saved(form, lambda: backends.add(pool, new, by=request.actor, now=timezone.now()))
        if done is not None:
            say_saved(request, _("%(address)s is added.") % {"address": done.object.address})
            say_unresolved(request, done.object)
            if "another" in request.POST:
                return redirect("console:backend-new", request.tenant.slug, pool.pk)
            return redirect("console:pool", request.tenant.slug, pool.pk)
    return form_page(request, {"form": form, "pool": pool})


@tenant_page(Verb.EDIT)
def edit(request: TenantRequest, backend_id: str) -> HttpResponse:
    backend = backend_of(backend_id)
    stored = BackendForm.start(backend)
    form = BackendForm(request.POST or None, initial=stored)
    if (
        request.method == "POST"
        and form.is_valid()
        and not changed_meanwhile(request, backend.updated_at, form, stored)
    ):
        done = saved(form, lambda: backends.update(backend, form.cleaned_data, by=request.actor, now=timezone.now()))
        if done is not None:
            say_saved(request, _("%(address)s is saved.") % {"address": done.object.address})
            say_unresolved(request, done.object)
            return redirect("console:pool", request.tenant.slug, backend.pool_id)
    context = {"form": form, "pool": backend.pool, "backend": backend, "seen": seen(backend.updated_at)}
    return form_page(request, context)


@tenant_page(Verb.EDIT)
def remove(request: TenantRequest, backend_id: str) -> HttpResponse:
    """A page that asks; its button sends the POST."""
    backend = backend_of(backend_id)
    if request.method == "POST":
        backends.remove(backend, by=request.actor, now=timezone.now())
        say_saved(request, _("%(address)s is removed.") % {"address": backend.address})
        return redirect("console:pool", request.tenant.slug, backend.pool_id)
    others = backend.pool.backends.exclude(pk=backend.pk).filter(admin="ready").count()
    context = {"backend": backend, "pool": backend.pool, "others": others}
    return page(request, "balancer/backend_delete.html", context)


@tenant_page(Verb.RUNTIME)
def drain(request: TenantRequest, backend_id: str) -> HttpResponse:
    """With a deadline, and what follows."""
    backend = backend_of(backend_id)
    form = DrainForm(request.POST or None, initial=DrainForm.start())
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        length = None if asked["deadline"] is None else timedelta(milliseconds=asked["deadline"])
        plan = {"deadline": length, "then": asked["then"], "force": forced(request)}
        try:
            done = backends.drain(backend, by=request.actor, now=timezone.now(), **plan)
        except Refused as said:
            refused = said
            form.show(said)
        else:
            say_saved(request, _("%(address)s drains.") % {"address": done.object.address})
            return redirect("console:pool", request.tenant.slug, backend.pool_id)
    may_force = refused is not None and refused.code in LAST_ONES
    context = {"form": form, "pool": backend.pool, "backend": backend, "may_force": may_force}
    status = 409 if may_force else 422 if form.is_bound and form.errors else 200
    return page(request, "balancer/backend_drain.html", context, status=status)


@tenant_page(Verb.VIEW)
def row(request: TenantRequest, backend_id: str) -> HttpResponse:
    """A row that looks again by itself while something is to follow its drain; nothing once the backend is gone."""
    backend = Backend.objects.select_related("pool").filter(pk=backend_id).first()
    return HttpResponse("") if backend is None else row_page(request, backend, "", None)


@tenant_page(Verb.RUNTIME)
def act(request: TenantRequest, backend_id: str, act: str) -> HttpResponse:
    """At once, and kept. htmx gets the row back; without it, the page is loaded anew."""
    if act not in ACTS:
        raise Http404
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    backend, refused = backend_of(backend_id), None
    try:
        backend = ACTS[act](backend, request).object
    except Refused as said:
        if said.status in (403, 404):
            raise
        refused = said
    if request.htmx:  # type: ignore[attr-defined]
        return row_page(request, backend_of(backend.pk), act, refused)
    if refused is None:
        return redirect("console:pool", request.tenant.slug, backend.pool_id)
    if refused.code in LAST_ONES:
        context = {"backend": backend, "pool": backend.pool, "act": act, "refused": sentence(refused)}
        return page(request, "balancer/backend_force.html", context, status=409)
    messages.error(request, sentence(refused))
    return redirect("console:pool", request.tenant.slug, backend.pool_id)


def row_page(request: TenantRequest, backend: Backend, act: str, refused: Refused | None) -> HttpResponse:
    """The row as it is, with the refusal inside it. 200 in both cases: it is what the row now says."""
    context = {
        "row": backend_rows(request.tenant, [backend], now=timezone.now())[0],
        "act": act,
        "refused": sentence(refused) if refused else "",
        "may_force": refused is not None and refused.code in LAST_ONES,
    }
    return page(request, "balancer/backend_row.html", context)


def say_unresolved(request: TenantRequest, backend: Backend) -> None:
    """What is the matter with its name, where something is."""
    found = names.of_backends(request.tenant.pk, [backend]).get(backend.pk)
    if found is not None and found.error:
        messages.warning(request, translated(found.error))


def form_page(request: TenantRequest, context: dict[str, Any]) -> HttpResponse:
    form = context["form"]
    return page(request, "balancer/backend_form.html", context, status=422 if form.is_bound and form.errors else 200)
