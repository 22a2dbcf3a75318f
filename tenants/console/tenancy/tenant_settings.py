"""Settings: a tenant's name, what it demands of its people, and its end."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from tenants.console import menu
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.formwork import ConsoleForm
from tenants.console.menu import Item
from tenants.console.page import page
from tenants.console.tenancy.tenancy_forms import DeleteForm, RenameForm, SecondFactorForm
from tenants.errors import Refused
from tenants.models import Tenant
from tenants.restkit import access
from tenants.roles import Verb
from tenants.services.tenancy import policies, tenancy, tenant_life

menu.add([Item("account:settings", pgettext_lazy("menu", "General"), "settings", Verb.OWN)])


@require_http_methods(["GET", "POST"])
@tenant_page(Verb.OWN)
def index(request: TenantRequest) -> HttpResponse:
    """The form of the page renames; the others have addresses of their own."""
    tenant = request.tenant
    form = RenameForm(request.POST or None, initial={"name": tenant.name, "slug": tenant.slug})
    if request.method == "POST" and form.is_valid():
        try:
            renamed = tenancy.rename(tenant, **form.cleaned_data, by=request.actor, now=timezone.now())
        except Refused as refused:
            form.show(refused)
        else:
            messages.success(request, _("Saved."))
            return redirect("account:settings", renamed.slug)
    return _shown(request, form)


@require_POST
@tenant_page(Verb.OWN)
def second_factor(request: TenantRequest) -> HttpResponse:
    form, now = SecondFactorForm(request.POST), timezone.now()
    if not form.is_valid():
        return _shown(request, RenameForm(initial={"name": request.tenant.name, "slug": request.tenant.slug}), form)
    days = form.cleaned_data["since"]
    since = now + timedelta(days=int(days)) if days else None
    policies.require_second_factor(request.tenant, since=since, by=request.actor, now=now)
    if since is None:
        said = _("Nobody has to have one any more.")
    elif since > now:
        said = _("Every member needs a second factor from %(date)s on.") % {"date": date_format(since, "j M Y")}
    else:
        said = _("Every member needs a second factor from now on.")
    messages.success(request, said)
    return redirect("account:settings", request.tenant.slug)


@require_http_methods(["GET", "POST"])
@tenant_page(Verb.OWN, even_closed=True)
def delete(request: TenantRequest) -> HttpResponse:
    """Asks for a fresh proof first, and then for the slug."""
    now = timezone.now()
    access.of(request).require_proof(now=now)
    form = DeleteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["confirm"] != request.tenant.slug:
            form.add_error("confirm", _("This is not the short name. Nothing was deleted."))
        else:
            try:
                tenant_life.delete(request.tenant, by=request.actor, now=now)
            except Refused as refused:
                form.show(refused)
            else:
                messages.success(request, _("%(tenant)s is deleted.") % {"tenant": request.tenant.name})
                return redirect("console:overview", request.tenant.slug)
    context = {"form": form, "days": tenant_life.GRACE.days}
    return page(request, "tenants/delete.html", context, status=422 if form.errors else 200)


@require_POST
@tenant_page(Verb.OWN, even_closed=True)
def restore(request: TenantRequest) -> HttpResponse:
    tenant_life.restore(request.tenant, by=request.actor, now=timezone.now())
    messages.success(request, _("%(tenant)s is back.") % {"tenant": request.tenant.name})
    return redirect("console:overview", request.tenant.slug)


def _shown(request: TenantRequest, form: ConsoleForm, factor: ConsoleForm | None = None) -> HttpResponse:
    """The stored policy is said in words: what was chosen as "in 7 days" is a date by now."""
    tenant = Tenant.objects.get(pk=request.tenant.pk)
    context = {
        "form": form,
        "factor": factor or SecondFactorForm(),
        "since": tenant.second_factor_from,
        "in_force": tenant.second_factor_from is not None and tenant.second_factor_from <= timezone.now(),
    }
    bad = form.errors or (factor is not None and factor.errors)
    return page(request, "tenants/settings.html", context, status=422 if bad else 200)
