"""How people sign in by their company's own provider, as a form."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.console.formwork import ConsoleForm
from tenants.console.words import ROLES
from tenants.models import SsoProvider
from tenants.roles import Role
from tenants.services.sso.sso_rules import MASK, MOST_HOURS, Wanted

EACH_LINE = _("One per line: group = role. The roles are owner, admin, operator, viewer and billing.")


class SsoForm(ConsoleForm):
    enabled = forms.BooleanField(label=_("People can sign in by it"), required=False)
    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=300,
        help_text=_("The provider's own URL, such as https://id.example.com/realms/acme."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    client_id = forms.CharField(
        label=_("Client id"), max_length=255, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    client_secret = forms.CharField(
        label=_("Client secret"),
        required=False,
        strip=False,
        max_length=1000,
        help_text=_("Kept encrypted and never shown again. **** keeps the one that is there."),
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"}),
    )
    scopes = forms.CharField(label=_("Scopes"), max_length=200, initial="openid email profile")
    default_role = forms.ChoiceField(
        label=_("Role to start with"), choices=[(role, word) for role, word in ROLES.items() if role != Role.OWNER]
    )
    group_claim = forms.CharField(
        label=_("Claim with the groups"), max_length=80, help_text=_("A name, or a path such as realm_access.roles.")
    )
    group_roles = forms.CharField(
        label=_("Groups and their roles"),
        required=False,
        help_text=EACH_LINE,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    allowed_domains = forms.CharField(
        label=_("E-mail domains that may come in"),
        required=False,
        help_text=_("One per line; none lets every domain in. The address has to be verified by the provider."),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    create_members = forms.BooleanField(
        label=_("Make whoever the provider knows a member, with the role below"), required=False
    )
    link_by_email = forms.BooleanField(label=_("Link members by their verified e-mail address"), required=False)
    required = forms.BooleanField(
        label=_("Required: members sign in by it and not by password (owners still can)"), required=False
    )
    session_hours = forms.IntegerField(
        label=_("Hours until the provider is asked again"), min_value=1, max_value=MOST_HOURS, initial=12
    )

    def clean_group_roles(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in self.cleaned_data["group_roles"].splitlines():
            if not line.strip():
                continue
            name, sign, role = line.rpartition("=")
            if not sign or not name.strip():
                raise forms.ValidationError(_("Write “group = role” on each line."), code="line")
            found[name.strip()] = role.strip().lower()
        return found

    def clean_allowed_domains(self) -> tuple[str, ...]:
        lines = self.cleaned_data["allowed_domains"].replace(",", "\n").splitlines()
        return tuple(line.strip().lower() for line in lines if line.strip())

    def wanted(self) -> Wanted:
        return Wanted(**self.cleaned_data)


def initial(provider: SsoProvider | None) -> dict[str, Any]:
    """What is saved; the secret as `****`."""
    if provider is None:
        return {"default_role": Role.VIEWER, "group_claim": "groups", "session_hours": 12}
    shown = {name: getattr(provider, name) for name in SsoForm.base_fields}
    return {
        **shown,
        "client_secret": MASK if provider.client_secret else "",
        "group_roles": "\n".join(f"{name} = {role}" for name, role in provider.group_roles.items()),
        "allowed_domains": "\n".join(provider.allowed_domains),
    }
