"""Mail: the tenant's own mail server, tried step by step."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tenants.console import menu
from tenants.console import smtp_sentences as smtp_sentences  # adds what the service says
from tenants.console.asking import Question
from tenants.console.doors import TenantRequest, tenant_page, to_prove
from tenants.console.forms import LineField
from tenants.console.formwork import ConsoleForm
from tenants.console.menu import Item
from tenants.console.page import page
from tenants.console.sentences import translated
from tenants.errors import Refused
from tenants.models import SmtpSecurity, SmtpServer
from tenants.restkit import access
from tenants.roles import Verb
from tenants.services.mails import smtp_servers
from tenants.services.mails.smtp_servers import MASK, Wanted
from tenants.services.signing_in import reauth

menu.add([Item("account:smtp", gettext_lazy("Mail"), "mail", Verb.SECRETS)])
STEPS: dict[str, Promise] = {
    "resolve": gettext_lazy("Name"),
    "connect": gettext_lazy("Connection"),
    "tls": gettext_lazy("TLS"),
    "auth": gettext_lazy("User and password"),
    "accepted": gettext_lazy("Mail taken"),
}


class SmtpForm(ConsoleForm):
    enabled = forms.BooleanField(label=gettext_lazy("Send this tenant's mails by it"), required=False)
    host = LineField(label=gettext_lazy("Host"), max_length=255, help_text="smtp.example.com")
    port = forms.IntegerField(
        label=gettext_lazy("Port"), min_value=1, max_value=65535, help_text=gettext_lazy("25, 465, 587 or 2525.")
    )
    security = forms.ChoiceField(label=gettext_lazy("Encryption"), choices=SmtpSecurity.choices)
    username = LineField(
        label=gettext_lazy("User"),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        max_length=1000,
        help_text=gettext_lazy("Kept encrypted and never shown again. **** keeps the one that is there."),
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"}),
    )
    sender = forms.EmailField(label=gettext_lazy("Sender's address"), max_length=254)
    sender_name = LineField(label=gettext_lazy("Sender's name"), max_length=80, required=False)

    def wanted(self) -> Wanted:
        return Wanted(**self.cleaned_data)


def initial(server: SmtpServer | None) -> dict[str, Any]:
    if server is None:
        return {"enabled": True, "port": 587, "security": SmtpSecurity.STARTTLS.value}
    shown = {name: getattr(server, name) for name in SmtpForm.base_fields if name != "password"}
    return {**shown, "password": MASK if server.password else ""}


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
@tenant_page(Verb.SECRETS)
def index(request: TenantRequest) -> HttpResponse:
    if request.method == "GET":
        return _shown(request, SmtpForm(initial=initial(smtp_servers.of(request.tenant))))
    form = SmtpForm(request.POST)
    if form.is_valid():
        try:
            access.of(request).require_proof(now=timezone.now())
            smtp_servers.save(request.tenant, form.wanted(), by=request.actor, now=timezone.now())
        except reauth.ReauthenticationNeeded:
            return to_prove(request)
        except Refused as refused:
            form.show(refused)
        else:
            messages.success(request, _("Saved. Test it before you rely on it."))
            return redirect("account:smtp", request.tenant.slug)
    return _shown(request, form, status=422)


@never_cache
@require_POST
@tenant_page(Verb.SECRETS)
def try_out(request: TenantRequest) -> HttpResponse:
    """To one's own address."""
    server = smtp_servers.of(request.tenant)
    if server is None:
        return redirect("account:smtp", request.tenant.slug)
    to = access.of(request).signed_in().user.email
    tried = smtp_servers.try_out(request.tenant, server, to, by=request.actor, now=timezone.now())
    steps = [{"it": one, "label": STEPS[one.step], "detail": translated(one.detail)} for one in tried]
    return _shown(request, SmtpForm(initial=initial(server)), steps=steps, passed=tried[-1].ok, to=to)


try_out.throttle_class_name = "expensive"  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
@tenant_page(Verb.SECRETS)
def remove(request: TenantRequest) -> HttpResponse:
    server = smtp_servers.of(request.tenant)
    if server is None:
        return redirect("account:smtp", request.tenant.slug)
    if request.method == "GET":
        follows = (_("Its password is forgotten. Mails of this tenant go by the platform's own server again."),)
        title = _("Remove the mail server %(host)s?") % {"host": server.host}
        back = reverse("account:smtp", args=[request.tenant.slug])
        asked = Question(title, follows, _("Remove this server"), back, _("Mail"))
        return page(request, "tenants/ask.html", {"question": asked})
    try:
        access.of(request).require_proof(now=timezone.now())
    except reauth.ReauthenticationNeeded:
        return to_prove(request)
    smtp_servers.remove(request.tenant, by=request.actor, now=timezone.now())
    messages.success(request, _("Removed. Mails go by the platform's own server again."))
    return redirect("account:smtp", request.tenant.slug)


def _shown(request: TenantRequest, form: SmtpForm, *, status: int = 200, **more: object) -> HttpResponse:
    sign_in = access.of(request).signed_in().sign_in
    context = {
        "fresh": sign_in is None or reauth.is_fresh(sign_in, now=timezone.now()),
        "form": form,
        "server": smtp_servers.of(request.tenant),
        **more,
    }
    return page(request, "tenants/smtp.html", context, status=status)
