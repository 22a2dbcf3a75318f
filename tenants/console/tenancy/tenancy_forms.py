"""Invite, change a member, rename, delete."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.actor import Actor
from tenants.console.forms import LineField
from tenants.console.formwork import ConsoleForm
from tenants.console.words import ROLES
from tenants.roles import Role, rights

GRACE_DAYS = [("0", _("now")), ("7", _("in 7 days")), ("14", _("in 14 days")), ("30", _("in 30 days"))]


def roles_for(by: Actor) -> list[tuple[str, Any]]:
    """What this person may give: no right that he lacks."""
    mine = rights(by.role, is_staff=by.is_staff)
    return [(role.value, ROLES[role.value]) for role in Role if rights(role, is_staff=False) <= mine]


class RoleForm(ConsoleForm):
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles_for(by)  # type: ignore[attr-defined]


class InviteForm(RoleForm):
    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    field_order = ("email", "role")


class RenameForm(ConsoleForm):
    name = LineField(label=_("Name"), max_length=80)
    slug = forms.CharField(
        label=_("Short name"),
        max_length=40,
        help_text=_("In addresses, like /t/acme. Links with the old one go on working for a year."),
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off"}),
    )


class SecondFactorForm(ConsoleForm):
    since = forms.ChoiceField(
        label=_("A second factor is required"),
        choices=[("", _("of nobody")), *GRACE_DAYS],
        help_text=_("Who has none by then, you included, is let in again as soon as one is set up."),
        required=False,
    )


class DeleteForm(ConsoleForm):
    confirm = forms.CharField(
        label=_("Type the short name to confirm"),
        max_length=40,
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off"}),
    )


class JoinForm(ConsoleForm):
    first_name = LineField(
        label=_("Your name"), max_length=80, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1024,
        help_text=_("At least 10 characters, and not one of the common ones."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
