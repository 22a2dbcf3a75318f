"""Changes that wait: which, what they would do, and sending them out or taking them back."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from balancer.console.changes import ChangeRow
from balancer.console.frame import page
from balancer.console.revisions import rows_of
from balancer.fleet.models import Deploy
from balancer.haproxy import shown
from balancer.queries import history, impact, objects
from balancer.services import revisions, staging
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.formwork import ConsoleForm
from tenants.console.sentences import sentence
from tenants.errors import Refused
from tenants.roles import Verb

NOTE_MAX = 500


class DeliveryForm(ConsoleForm):
    deploy = forms.ChoiceField(
        label=gettext_lazy("Changes go out"),
        choices=[
            (Deploy.AUTOMATIC.value, gettext_lazy("by themselves, as soon as they are saved")),
            (Deploy.STAGED.value, gettext_lazy("when somebody deploys them")),
        ],
    )
    canary = forms.BooleanField(
        label=gettext_lazy("One node tries each revision first"),
        required=False,
        help_text=gettext_lazy("If errors or health get worse there, it goes back by itself."),
    )
    canary_seconds = forms.IntegerField(
        label=gettext_lazy("Watched for (seconds)"), min_value=5, max_value=600, required=False
    )


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    return shown_page(request, {})


def shown_page(request: TenantRequest, more: dict[str, Any], *, status: int = 200) -> HttpResponse:
    waiting = staging.pending(request.tenant.pk)
    delivery = staging.delivery_of(request.tenant.pk)
    chosen = more.get("chosen", {str(edit.pk) for edit in waiting})
    initial = {name: getattr(delivery, name) for name in DeliveryForm.base_fields}
    context: dict[str, Any] = {
        "rows": [ChangeRow(edit) for edit in waiting],
        "chosen": chosen,
        "delivery": delivery,
        "form": DeliveryForm(initial=initial),
        **more,
    }
    return page(request, "balancer/pending.html", context, status=status)


def chosen_of(post: QueryDict) -> set[str] | None:
    """None: all of them."""
    return None if post.get("all") else {one for one in post.getlist("edit") if one.isdecimal()}


@require_POST
@tenant_page()
def preview(request: TenantRequest) -> HttpResponse:
    """What deploying the ticked ones would change and take. Changes nothing."""
    chosen = chosen_of(request.POST)
    more: dict[str, Any] = {"chosen": chosen or set(), "note": request.POST.get("note", "")[:NOTE_MAX]}
    try:
        document, state = staging.previewed(request.tenant, chosen, now=timezone.now())
    except Refused as refused:
        return shown_page(request, {**more, "refused": said(refused)}, status=refused.status)
    number, last = history.newest_state(request.tenant.pk)
    return shown_page(request, {
        **more,
        "preview": True,
        "differences": rows_of(objects.differences(revisions.last_objects(request.tenant.pk), document)),
        "rendered": shown.text_difference(last, state, names=(f"r{number}", _("preview"))),
        "impact": impact.of(request.tenant.pk, state),
    })  # fmt: skip


@require_POST
@tenant_page(Verb.DEPLOY)
def deploy(request: TenantRequest) -> HttpResponse:
    chosen, note = chosen_of(request.POST), request.POST.get("note", "").strip()[:NOTE_MAX]
    canary = True if request.POST.get("canary") else None
    try:
        made = staging.deploy(request.tenant.pk, chosen, by=request.actor, now=timezone.now(), note=note, canary=canary)
    except Refused as refused:
        more = {"chosen": chosen or set(), "note": note, "refused": said(refused)}
        return shown_page(request, more, status=refused.status)
    messages.success(request, _("r%(number)d is on its way to the nodes.") % {"number": made.number})
    return redirect("console:deployment", request.tenant.slug, made.number)


@tenant_page(Verb.DEPLOY)
def discard(request: TenantRequest) -> HttpResponse:
    """A page that asks; its button sends the POST."""
    rows = [ChangeRow(edit) for edit in staging.pending(request.tenant.pk)]
    if request.method != "POST":
        return page(request, "balancer/discard.html", {"rows": rows})
    try:
        done = staging.discard(request.tenant.pk, by=request.actor, now=timezone.now())
    except Refused as refused:
        return shown_page(request, {"refused": said(refused)}, status=refused.status)
    told = ngettext("%(n)d change is taken back.", "%(n)d changes are taken back.", done.edits) % {"n": done.edits}
    messages.success(request, told)
    return redirect("console:pending", request.tenant.slug)


@require_POST
@tenant_page(Verb.DEPLOY)
def delivery(request: TenantRequest) -> HttpResponse:
    form = DeliveryForm(request.POST)
    if form.is_valid():
        values = {**form.cleaned_data, "canary_seconds": form.cleaned_data["canary_seconds"] or 30}
        try:
            staging.set_delivery(values, by=request.actor, now=timezone.now())
        except Refused as refused:
            form.show(refused)
        else:
            messages.success(request, _("How changes go out is saved."))
            return redirect("console:pending", request.tenant.slug)
    return shown_page(request, {"form": form}, status=422)


def said(refused: Refused) -> list[str]:
    return [sentence(error) for error in refused.errors] or [sentence(refused)]
