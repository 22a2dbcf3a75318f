"""Until when a backend drains, and what follows."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from balancer.console.forms import DurationField
from balancer.fleet.models import Then
from tenants.console.formwork import ConsoleForm

MOST_MS = 7 * 24 * 3_600_000
AFTERWARDS = [
    (Then.MAINTAIN, _("Take it into maintenance")),
    (Then.REMOVE, _("Remove it")),
    (Then.READY, _("Make it ready again")),
    (Then.NOTHING, _("Nothing: it stays drained")),
]


class DrainForm(ConsoleForm):
    deadline = DurationField(
        label=_("At the latest after"),
        required=False,
        help_text=_("Like 30s or 10m. Empty: as long as it takes. What is under way then is still not cut."),
    )
    then = forms.ChoiceField(
        label=_("When nobody is left on it"), choices=[(key.value, word) for key, word in AFTERWARDS], required=False
    )

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"deadline": "10m", "then": Then.MAINTAIN.value}

    def clean_deadline(self) -> int | None:
        value: int | None = self.cleaned_data["deadline"]
        if value is not None and not 1000 <= value <= MOST_MS:
            raise forms.ValidationError(_("A deadline is from one second to seven days."))
        return value
