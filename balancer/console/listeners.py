"""Listeners: ports for TCP, and TLS that is passed through by its name."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from balancer.console.forms import DurationField
from balancer.console.frame import page
from balancer.console.saving import changed_meanwhile, saved, say_saved, seen
from balancer.haproxy.listeners import ListenerKind, Mode
from balancer.models import Listener, Pool
from balancer.queries import status, ways_in
from balancer.services import listeners
from balancer.services.listeners import NewListener
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.formwork import ConsoleForm
from tenants.roles import Verb

KINDS = [
    (ListenerKind.TCP.value, gettext_lazy("TCP: a port of your own, for whatever speaks over TCP")),
    (ListenerKind.TLS_PASSTHROUGH.value, gettext_lazy("TLS by name: your servers keep their certificates")),
]


class ListenerForm(ConsoleForm):
    pointers: ClassVar[dict[str, str]] = {"/idle_timeout": "idle_timeout_ms"}
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=KINDS)
    pool = forms.ChoiceField(label=gettext_lazy("Pool"), help_text=gettext_lazy("Pools in mode TCP."))
    port = forms.IntegerField(
        label=gettext_lazy("Port"), required=False, help_text=gettext_lazy("Of TCP. Empty: you are given a free one.")
    )
    host = forms.CharField(
        label=gettext_lazy("Host"),
        max_length=255,
        required=False,
        help_text=gettext_lazy("Of TLS by name, like db.example.com or *.example.com."),
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off"}),
    )
    allowed_cidrs = forms.CharField(
        label=gettext_lazy("Allowed networks"),
        max_length=4000,
        required=False,
        help_text=gettext_lazy("One on each line, like 203.0.113.0/24. Empty: everybody."),
        widget=forms.Textarea(attrs={"class": "mono", "rows": 3}),
    )
    max_connections = forms.IntegerField(
        label=gettext_lazy("Most connections"),
        required=False,
        help_text=gettext_lazy("At once, on each node. Empty: as many as it takes."),
    )
    idle_timeout_ms = DurationField(
        label=gettext_lazy("Close when idle for"), help_text=gettext_lazy("From 1s to 1440m.")
    )
    proxy_protocol = forms.BooleanField(
        label=gettext_lazy("PROXY protocol"),
        required=False,
        help_text=gettext_lazy("Clients are proxies that say whom they speak for, in version 1 or 2."),
    )
    enabled = forms.BooleanField(
        label=gettext_lazy("Enabled"), required=False, help_text=gettext_lazy("A disabled listener takes nobody in.")
    )
    description = forms.CharField(label=gettext_lazy("Description"), max_length=500, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        pools = Pool.objects.filter(mode=Mode.TCP).order_by("name", "pk")
        self.fields["pool"].choices = [(pool.pk, pool.name) for pool in pools]  # type: ignore[attr-defined]

    @classmethod
    def start(cls, listener: Listener | None = None) -> dict[str, Any]:
        source = listener or Listener(kind=ListenerKind.TCP.value)
        values = {name: getattr(source, name) for name in cls.base_fields if name not in ("pool", "allowed_cidrs")}
        values |= {"host": source.host or "", "allowed_cidrs": "\n".join(source.allowed_cidrs)}
        return values | ({"pool": source.pool_id} if listener else {})

    def clean_allowed_cidrs(self) -> list[str]:
        lines = self.cleaned_data["allowed_cidrs"].replace(",", "\n").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def clean_host(self) -> str | None:
        return self.cleaned_data["host"].strip() or None

    def field_of(self, pointer: str) -> str | None:
        """A network's own error stands at the field that holds all of them."""
        return "allowed_cidrs" if pointer.startswith("/allowed_cidrs") else super().field_of(pointer)


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    found = list(Listener.objects.select_related("pool").order_by("kind", "port", "host"))
    seen_now = status.listeners(request.tenant.key, [one.key for one in found], now=timezone.now())
    rows = [{"listener": one, "endpoint": ways_in.endpoint(one), "status": seen_now[one.key]} for one in found]
    context = {"rows": rows, "shared": ways_in.shared(), "pools": tcp_pools()}
    return page(request, "balancer/listeners.html", context)


@tenant_page(Verb.SECRETS)
def create(request: TenantRequest) -> HttpResponse:
    form = ListenerForm(request.POST or None, initial=ListenerForm.start() | {"pool": request.GET.get("pool", "")})
    if request.method == "POST" and form.is_valid():
        new = NewListener(**form.cleaned_data)
        done = saved(form, lambda: listeners.create(new, by=request.actor, now=timezone.now()))
        if done is not None:
            where = ways_in.endpoint(done.object)
            say_saved(request, _("The listener is there: connect to %(where)s.") % {"where": where})
            return redirect("console:listeners", request.tenant.slug)
    return form_page(request, {"form": form, "pools": tcp_pools()})


@tenant_page(Verb.SECRETS)
def edit(request: TenantRequest, listener_id: str) -> HttpResponse:
    listener = get_object_or_404(Listener.objects.select_related("pool"), pk=listener_id)
    stored = ListenerForm.start(listener)
    form = ListenerForm(request.POST or None, initial=stored)
    when = listener.updated_at
    if request.method == "POST" and form.is_valid() and not changed_meanwhile(request, when, form, stored):
        done = saved(form, lambda: listeners.update(listener, form.cleaned_data, by=request.actor, now=timezone.now()))
        if done is not None:
            say_saved(request, _("The listener for %(what)s is saved.") % {"what": done.object})
            return redirect("console:listeners", request.tenant.slug)
    return form_page(request, {"form": form, "listener": listener, "pools": 1, "seen": seen(listener.updated_at)})


@tenant_page(Verb.SECRETS)
def delete(request: TenantRequest, listener_id: str) -> HttpResponse:
    """A page that asks; its button sends the POST."""
    listener = get_object_or_404(Listener, pk=listener_id)
    if request.method == "POST":
        listeners.delete(listener, by=request.actor, now=timezone.now())
        say_saved(request, _("The listener for %(what)s is deleted.") % {"what": listener})
        return redirect("console:listeners", request.tenant.slug)
    return page(request, "balancer/listener_delete.html", {"listener": listener})


def tcp_pools() -> int:
    return Pool.objects.filter(mode=Mode.TCP).count()


def form_page(request: TenantRequest, context: dict[str, Any]) -> HttpResponse:
    form = context["form"]
    shown = context | {
        "first": settings.TCP_PORTS[0],
        "last": settings.TCP_PORTS[-1],
        "passthrough": settings.SHARED_PORTS["tls_passthrough"],
    }
    return page(request, "balancer/listener_form.html", shown, status=422 if form.is_bound and form.errors else 200)
