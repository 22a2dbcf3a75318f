"""Keys: what scripts show. A new one is shown whole, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tenants.console import key_sentences as key_sentences  # adds what the service says
from tenants.console import menu
from tenants.console.doors import TenantRequest, tenant_page, to_prove
from tenants.console.forms import LineField
from tenants.console.formwork import ConsoleForm
from tenants.console.menu import Item
from tenants.console.page import page
from tenants.console.words import RIGHTS, RIGHTS_TOLD, ROLES
from tenants.errors import Refused
from tenants.models import ApiKey
from tenants.restkit import access
from tenants.roles import Role, Verb
from tenants.services import keys
from tenants.services.signing_in import reauth

menu.add([Item("account:keys", gettext_lazy("API keys"), "key", Verb.EDIT)])
DAYS = (("30", gettext_lazy("30 days")), ("90", gettext_lazy("90 days")), ("365", gettext_lazy("a year")))


class KeyForm(ConsoleForm):
    pointers = {"/expires_at": "days"}

    name = LineField(label=gettext_lazy("Name"), max_length=80, help_text=gettext_lazy("What will use it, and where."))
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=list(ROLES.items()), initial=Role.VIEWER.value)
    days = forms.ChoiceField(
        label=gettext_lazy("Ends after"), choices=[*DAYS, ("", gettext_lazy("never"))], initial="90", required=False
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Only these rights"),
        required=False,
        choices=[(right, format_lazy("{}: {}", word, RIGHTS_TOLD[right])) for right, word in RIGHTS.items()],
        help_text=gettext_lazy("None chosen: all that the role has."),
        widget=forms.CheckboxSelectMultiple,
    )

    def ends(self, now: datetime) -> datetime | None:
        days = self.cleaned_data["days"]
        return now + timedelta(days=int(days)) if days else None


@dataclass(frozen=True, slots=True)
class Row:
    key: ApiKey
    state: str  # live, ended or revoked

    @property
    def role(self) -> Promise | str:
        return ROLES.get(self.key.role, self.key.role)

    @property
    def scopes(self) -> list[Promise | str]:
        return [RIGHTS.get(scope, scope) for scope in self.key.scopes]


@never_cache
@require_http_methods(["GET", "POST"])
@tenant_page(Verb.EDIT)
def index(request: TenantRequest) -> HttpResponse:
    if request.method == "GET":
        return _listed(request, KeyForm())
    form = KeyForm(request.POST)
    if form.is_valid():
        given, now, found = form.cleaned_data, timezone.now(), access.of(request)
        try:
            if Role(given["role"]) in (Role.OWNER, Role.ADMIN):
                found.require_proof(now=now)
            key, whole = keys.create(
                request.tenant,
                name=given["name"],
                role=Role(given["role"]),
                scopes=[Verb(scope) for scope in given["scopes"]],
                expires_at=form.ends(now),
                holds=found.rights,
                by=request.actor,
                now=now,
            )
        except reauth.ReauthenticationNeeded:
            return to_prove(request)
        except Refused as refused:
            form.show(refused)
        else:
            # No redirect: it would have to be kept somewhere until the next page.
            return _listed(request, KeyForm(), made=key, whole=whole)
    return _listed(request, form, status=422)


@require_http_methods(["GET", "POST"])
@tenant_page(Verb.EDIT)
def revoke(request: TenantRequest, key_id: str) -> HttpResponse:
    key = get_object_or_404(_seen(request), pk=key_id, revoked_at=None)
    if request.method == "POST":
        keys.revoke(key, by=request.actor, now=timezone.now())
        messages.success(request, _("%(name)s is revoked; it is refused from now on.") % {"name": key.name})
        return redirect("account:keys", request.tenant.slug)
    return page(request, "tenants/key_revoke.html", {"key": key})


def _seen(request: TenantRequest) -> QuerySet[ApiKey]:
    """One's own; of everybody, for who answers for people."""
    rows = ApiKey.objects.select_related("created_by").filter(tenant=request.tenant)
    found = access.of(request)
    return rows if found.may(Verb.MEMBERS) else rows.filter(created_by=found.signed_in().user)


def _listed(request: TenantRequest, form: KeyForm, *, status: int = 200, **more: Any) -> HttpResponse:
    now = timezone.now()
    rows = [Row(key, _state(key, now)) for key in _seen(request)]
    shown = sorted(rows, key=lambda row: row.state != "live")
    return page(request, "tenants/keys.html", {"rows": shown, "form": form, **more}, status=status)


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "ended" if key.expires_at is not None and key.expires_at <= now else "live"
