"""Settings → Sign-in: a tenant's own provider, tried step by step."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tenants.console import menu
from tenants.console.doors import TenantRequest, tenant_page, to_prove
from tenants.console.menu import Item
from tenants.console.page import page
from tenants.console.sentences import translated
from tenants.console.sso import sso_sentences as sso_sentences  # adds what the services say
from tenants.console.sso.sso_forms import SsoForm, initial
from tenants.errors import Refused
from tenants.queries import sso as sso_queries
from tenants.restkit import access
from tenants.roles import Verb
from tenants.services.signing_in import reauth
from tenants.services.sso import sso_config, sso_test

menu.add([Item("account:sso", gettext_lazy("Sign-in"), "lock", Verb.SECRETS)])
STEPS: dict[str, Promise] = {
    "address": gettext_lazy("Address"),
    "discovery": gettext_lazy("Discovery"),
    "issuer": gettext_lazy("Issuer"),
    "endpoints": gettext_lazy("Endpoints"),
    "keys": gettext_lazy("Signing keys"),
    "algorithms": gettext_lazy("Signature"),
    "pkce": gettext_lazy("PKCE"),
    "client": gettext_lazy("Client id and secret"),
    "redirect_uri": gettext_lazy("Redirect URI"),
}


@sensitive_post_parameters("client_secret")
@never_cache
@require_http_methods(["GET", "POST"])
@tenant_page(Verb.SECRETS)
def settings_page(request: TenantRequest) -> HttpResponse:
    if request.method == "GET":
        return _shown(request, SsoForm(initial=initial(sso_queries.provider(request.tenant))))
    form = SsoForm(request.POST)
    if form.is_valid():
        try:
            access.of(request).require_proof(now=timezone.now())
            sso_config.save(request.tenant, form.wanted(), by=request.actor, now=timezone.now())
        except reauth.ReauthenticationNeeded:
            return to_prove(request)
        except Refused as refused:
            form.show(refused)
        else:
            messages.success(request, _("Saved."))
            return redirect("account:sso", request.tenant.slug)
    return _shown(request, form, status=422)


@never_cache
@require_POST
@tenant_page(Verb.SECRETS)
def test_page(request: TenantRequest) -> HttpResponse:
    steps = sso_test.run(request.tenant, by=request.actor, now=timezone.now())
    rows = [{"step": step, "label": STEPS[step.name], "detail": translated(step.detail)} for step in steps]
    form = SsoForm(initial=initial(sso_queries.provider(request.tenant)))
    return _shown(request, form, steps=rows, passed=all(step.ok is not False for step in steps))


def _shown(request: TenantRequest, form: SsoForm, *, status: int = 200, **more: object) -> HttpResponse:
    tenant, sign_in = request.tenant, access.of(request).signed_in().sign_in
    context = {
        "fresh": sign_in is None or reauth.is_fresh(sign_in, now=timezone.now()),
        "form": form,
        "provider": sso_queries.provider(tenant),
        "seen": sso_queries.status(tenant),
        "redirect_uri": sso_config.redirect_uri(),
        "signed_out_uri": sso_config.signed_out_uri(),
        "backchannel_uri": sso_config.backchannel_uri(tenant),
        "sign_in_url": sso_config.sign_in_url(tenant),
        **more,
    }
    return page(request, "tenants/sso_settings.html", context, status=status)
