"""What every page of a tenant says in its header: whether the newest state serves, and what waits to be deployed."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from balancer.console import words
from balancer.queries import newest_state
from balancer.queries.changes import ChangeState
from balancer.queries.newest_state import Serving
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.page import THEN
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Pill:
    """Never green without data: what nodes took and then fell silent is `stale`."""

    serving: Serving

    @property
    def state(self) -> str:
        return "stale" if self.serving.state is ChangeState.LIVE and self.serving.away else self.serving.state.value

    @property
    def word(self) -> Promise:
        return words.CHANGE[self.serving.state.value]

    @property
    def why(self) -> str:
        if self.serving.waiting:
            return _("Not yet taken by %(nodes)s.") % {"nodes": ", ".join(self.serving.waiting)}
        if self.serving.away:
            return _("Taken by all; not heard from lately: %(nodes)s.") % {"nodes": ", ".join(self.serving.away)}
        if self.serving.uncut:
            return _("What was just saved is on its way.")
        return _("Your newest state serves on every node.")


def of(request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
    return {"pill": Pill(newest_state.of(tenant.pk, now=timezone.now()))}


THEN.append(of)


@require_safe
@tenant_page()
def fragment(request: TenantRequest) -> HttpResponse:
    """For a page that heard of a move: the same parts of its header, as they are now."""
    context = {"tenant": request.tenant, **of(request, request.tenant)}
    answer = render(request, "balancer/header.html", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer
