"""What staff are asked before they act: why, and on whom."""

from typing import Any

from django import forms

from tenants.models import Membership, User
from tenants.services.impersonation import REASON_MOST


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=REASON_MOST, widget=forms.TextInput(attrs={"size": 60}), help_text="The tenant's people read it."
    )


class ImpersonateForm(forms.Form):
    tenant = forms.ChoiceField()
    reason = forms.CharField(
        max_length=REASON_MOST,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text="It is kept in the tenant's audit trail.",
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = Membership.objects.filter(user=person, suspended_at=None).select_related("tenant")
        self.fields["tenant"].choices = [  # type: ignore[attr-defined]
            (one.tenant_id, f"{one.tenant.name} ({one.role})") for one in places.order_by("tenant__slug")
        ]
