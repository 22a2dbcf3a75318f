"""Sign in, sign up, one's account, and how one likes the console."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.console.formwork import ConsoleForm
from tenants.errors import Refused
from tenants.lines import is_line
from tenants.models import Theme


class LineField(forms.CharField):
    """One line of printable text, as the API's."""

    def validate(self, value: str) -> None:
        super().validate(value)
        if not is_line(value):
            raise forms.ValidationError(_("Use one line of printable text."), code="line")


class LoginForm(ConsoleForm):
    email = forms.EmailField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1024,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    next = forms.CharField(required=False, widget=forms.HiddenInput)

    def show(self, refused: Refused) -> None:
        """The address stays; the password is what is typed again."""
        super().show(refused)
        self.fields["email"].widget.attrs["autofocus"] = False
        self.fields["password"].widget.attrs["autofocus"] = True


class SignUpForm(ConsoleForm):
    tenant_name = LineField(
        label=_("Company or project"),
        max_length=80,
        help_text=_("This becomes your tenant: its pools, routes and people."),
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )
    first_name = LineField(
        label=_("Your name"), max_length=80, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1024,
        help_text=_("At least 10 characters, and not one of the common ones."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class PreferencesForm(ConsoleForm):
    """Both are optional: the header sends one of them, the page both."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, required=False)
    theme = forms.ChoiceField(
        label=_("Theme"),
        choices=[(Theme.AUTO, _("Auto")), (Theme.LIGHT, _("Light")), (Theme.DARK, _("Dark"))],
        required=False,
    )
    next = forms.CharField(required=False, widget=forms.HiddenInput)


class SecondStepForm(ConsoleForm):
    otp = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("Six digits from your authenticator app, or one of your recovery codes."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


class ForgotForm(ConsoleForm):
    email = forms.EmailField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )


def new_password() -> forms.CharField:
    return forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=1024,
        help_text=_("At least 10 characters, and not one of the common ones."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


def old_password(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=1024,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class ResetForm(ConsoleForm):
    password = new_password()


class PasswordForm(ConsoleForm):
    current_password = old_password(_("Current password"))
    password = new_password()


class ReauthenticateForm(ConsoleForm):
    password = old_password(_("Password"))
    next = forms.CharField(required=False, widget=forms.HiddenInput)


class EmailForm(ConsoleForm):
    email = forms.EmailField(
        label=_("New e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


class TotpForm(ConsoleForm):
    otp = forms.CharField(
        label=_("Code"),
        max_length=10,
        help_text=_("Six digits, from the app."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "spellcheck": "false"}
        ),
    )


class ProfileForm(ConsoleForm):
    first_name = LineField(
        label=_("First name"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = LineField(
        label=_("Last name"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=[("", _("As the browser says")), *settings.LANGUAGES], required=False
    )
    theme = forms.ChoiceField(
        label=_("Theme"), choices=[(Theme.AUTO, _("Auto")), (Theme.LIGHT, _("Light")), (Theme.DARK, _("Dark"))]
    )
