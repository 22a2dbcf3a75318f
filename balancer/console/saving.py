"""What happens after Save: what comes next is said, and a change that someone else made meanwhile is not run over."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from balancer.fleet.models import JOINED, Node, Placement
from balancer.services import edits
from tenants.console.doors import TenantRequest
from tenants.console.formwork import ConsoleForm
from tenants.errors import Refused
from tenants.models import Tenant


def saved(form: ConsoleForm, save: Callable[[], Any]) -> Any:
    """The service's answer, or None with its refusal shown in the form."""
    try:
        return save()
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        form.show(refused)
        return None


def seen(moment: datetime) -> str:
    """What a form carries along, to know later whether the row is still the one that it showed."""
    return moment.isoformat()


def changed_meanwhile(request: HttpRequest, moment: datetime, form: ConsoleForm, stored: dict[str, Any]) -> bool:
    """Show theirs beside what was typed, field by field; a second Save then means it."""
    shown = request.POST.get("seen", "")
    if not shown or shown == seen(moment):
        return False
    theirs = {
        name: form.fields[name].prepare_value(stored[name])
        for name in form.fields
        if name in stored and stored[name] != form.cleaned_data.get(name)
    }
    if not theirs:
        return False
    for name, value in theirs.items():
        form.add_error(name, _("Now stored: %(value)s") % {"value": value if value not in ("", None) else "–"})
    form.add_error(
        None, _("Someone changed this while you were editing. Theirs stands below yours; Save again to keep yours.")
    )
    form.lead_to_first_error()
    return True


def say_saved(request: TenantRequest, sentence: str) -> None:
    """The sentence, and what happens next."""
    messages.success(request, f"{sentence} {what_next(request.tenant)}")


def what_next(tenant: Tenant) -> str:
    if edits.stages(tenant.pk):
        return _("It waits under Waiting changes until somebody deploys it.")
    return deploying(tenant)


def deploying(tenant: Tenant) -> str:
    placed = Placement.objects.filter(tenant=tenant).values("cluster_id")
    count = Node.objects.filter(JOINED, cluster_id__in=placed).count()
    if count == 0:
        return _("It is saved; no node serves this tenant yet.")
    return ngettext("Deploying to %(count)d node.", "Deploying to %(count)d nodes.", count) % {"count": count}
