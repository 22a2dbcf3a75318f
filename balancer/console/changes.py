"""Changes: who changed what, when, and whether it is out."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.utils.functional import Promise

from balancer.console import words
from balancer.console.frame import page
from balancer.fleet.models import Edit
from tenants.console.doors import TenantRequest, tenant_page

PAGE = 50
NOT_SHOWN = frozenset({"id", "pool_id"})


@dataclass(frozen=True, slots=True)
class Difference:
    """`before` and `after` None: the field was not there."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ChangeRow:
    edit: Edit

    @property
    def act(self) -> Promise:
        return words.ACT[self.edit.act]

    @property
    def kind(self) -> Promise | str:
        return words.KIND.get(self.edit.kind, self.edit.kind)

    @property
    def differences(self) -> list[Difference]:
        """Only of a change: all of a new thing's fields say nothing that its own page does not."""
        if not (self.edit.before and self.edit.after):
            return []
        names = sorted(self.edit.before.keys() | self.edit.after.keys())
        return [
            Difference(name, self.edit.before.get(name), self.edit.after.get(name))
            for name in names
            if name not in NOT_SHOWN
        ]


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    found = Edit.objects.filter(tenant=request.tenant).select_related("by", "revision").order_by("-id")
    shown = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return page(request, "balancer/changes.html", {"shown": shown, "rows": [ChangeRow(edit) for edit in shown]})
