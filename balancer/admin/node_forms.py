"""What staff are asked before they act on a node, or move a tenant."""

from django import forms

from balancer.fleet.models import Cluster
from tenants.models import Tenant
from tenants.queries import directory

MINUTES_MOST = 7 * 24 * 60


class NewNodeForm(forms.Form):
    name = forms.SlugField(max_length=40, help_text="Letters, digits, - and _. It cannot be changed.")
    cluster = forms.ModelChoiceField(
        queryset=Cluster.objects.order_by("name"), required=False, empty_label="a new one, named below"
    )
    new_cluster = forms.CharField(max_length=40, required=False, help_text="Only for a new one.")

    def clean(self) -> dict[str, object]:
        sent = super().clean() or {}
        if bool(sent.get("cluster")) == bool(sent.get("new_cluster")):
            self.add_error("new_cluster", "Choose a cluster, or name a new one; one of the two.")
        return sent

    @property
    def cluster_name(self) -> str:
        chosen = self.cleaned_data["cluster"]
        return str(chosen.name if chosen else self.cleaned_data["new_cluster"])


class CordonForm(forms.Form):
    reason = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput(attrs={"size": 60}), help_text="Shown beside the node."
    )
    force = forms.BooleanField(required=False, help_text="Even if new tenants have nowhere to go then.")


class LeaveForm(forms.Form):
    grace_minutes = forms.IntegerField(
        min_value=0, max_value=MINUTES_MOST, initial=1, help_text="How long it goes on taking new connections."
    )
    force = forms.BooleanField(required=False, help_text="Even if no other node of its cluster serves.")


class ForceForm(forms.Form):
    force = forms.BooleanField(required=False, help_text="Even if it takes traffic.")


class MoveForm(forms.Form):
    tenant = forms.CharField(max_length=40, help_text="By its slug.")
    to = forms.ModelChoiceField(queryset=Cluster.objects.order_by("name"), label="To the cluster", empty_label=None)
    grace_minutes = forms.IntegerField(
        min_value=0,
        max_value=MINUTES_MOST,
        initial=60,
        help_text="How long the old cluster goes on serving it, while names and addresses are pointed elsewhere.",
    )

    def clean_tenant(self) -> Tenant:
        found = directory.by_name(self.cleaned_data["tenant"])
        if found is None:
            raise forms.ValidationError("There is no such tenant.")
        return found
