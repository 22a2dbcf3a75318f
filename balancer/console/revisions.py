"""Revisions: what each one changed, and the way back, which asks first."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from balancer.console import words
from balancer.console.frame import page
from balancer.fleet.models import Contents, Edit, Revision
from balancer.queries import history, objects
from balancer.queries.objects import Difference
from balancer.services import rollbacks
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.sentences import sentence
from tenants.errors import Refused
from tenants.roles import Verb

PAGE = 30
NOT_SHOWN = frozenset({"pool_id"})


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    of: Difference

    @property
    def act(self) -> Promise:
        return words.ACT[self.of.act]

    @property
    def kind(self) -> Promise | str:
        return words.KIND.get(self.of.kind, self.of.kind)

    @property
    def fields(self) -> list[Field]:
        """Only of a change: all of a new thing's fields say nothing that its own page does not."""
        if self.of.act != "update":
            return []
        return [
            Field(name, self.of.before.get(name), self.of.after.get(name))
            for name in self.of.after
            if name not in NOT_SHOWN
        ]


def rows_of(differences: list[Difference]) -> list[DifferenceRow]:
    return [DifferenceRow(one) for one in differences]


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    found = Revision.objects.filter(tenant=request.tenant).select_related("by").defer("state").order_by("-number")
    shown = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return page(request, "balancer/revisions.html", {"shown": shown, "rows": list(shown)})


@tenant_page()
def detail(request: TenantRequest, number: int) -> HttpResponse:
    """Against the one before, or the one that `against` names."""
    asked = request.GET.get("against", "")
    against = int(asked) if asked.isdecimal() and len(asked) < 10 else None
    found = history.compared(request.tenant.pk, number, against)
    others = Revision.objects.filter(tenant=request.tenant).exclude(number=number).order_by("-number")
    context = {
        "revision": history.revision(request.tenant.pk, number),
        "found": found,
        "rows": rows_of(found.objects),
        "others": others.values_list("number", flat=True)[:100],
        "newest": not others.filter(number__gt=number).exists(),
    }
    return page(request, "balancer/revision.html", context)


@tenant_page(Verb.DEPLOY)
def rollback(request: TenantRequest, number: int) -> HttpResponse:
    """A page that says what follows; its button sends the POST."""
    revision = get_object_or_404(Revision.objects.defer("state"), tenant=request.tenant, number=number)
    kept = Contents.objects.filter(revision=revision).first()
    context: dict[str, Any] = {
        "revision": revision,
        "kept": kept is not None,
        "rows": rows_of(objects.differences(objects.current(), kept.objects_kept)) if kept else [],
        "waiting": Edit.objects.filter(tenant=request.tenant, revision=None, staged=True).count(),
    }
    if request.method == "POST":
        try:
            done = rollbacks.rollback(request.tenant.pk, number, by=request.actor, now=timezone.now())
        except Refused as refused:
            context["refused"] = [sentence(error) for error in refused.errors] or [sentence(refused)]
            return page(request, "balancer/rollback.html", context, status=refused.status)
        said = _("Everything is as it was in r%(number)d again. This is r%(now)d.")
        messages.success(request, said % {"number": number, "now": done.revision.number})
        return redirect("console:deployment", request.tenant.slug, done.revision.number)
    return page(request, "balancer/rollback.html", context)
