"""What the nodes really have: asked of each of them now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from balancer.console import words
from balancer.console.frame import page
from balancer.fleet.models import Service
from balancer.models import Pool
from balancer.queries import really
from balancer.queries.really import Deployed, EntrySide, ServerSide, Tried
from balancer.services import inspections
from balancer.services.inspections import Answer
from tenants.console.doors import TenantRequest, tenant_page
from tenants.roles import Verb
from tenants.scope import platform_scope

DIFFERS: dict[str, Promise] = {
    "missing": _("not there"),
    "extra": _("nobody asked for it"),
    "other": _("another value"),
    "address": _("another address"),
    "weight": _("another weight"),
    "admin": _("another state"),
}
SIDES: dict[str, Promise] = {
    "request": pgettext_lazy("protocol error", "request"),
    "response": pgettext_lazy("protocol error", "response"),
}
SERVICE: dict[str, Promise] = {
    Service.LEAVING: _("is being taken out of service by the platform: visitors are led to the other nodes"),
    Service.OUT: _("is out of service: the platform sends no visitors to it"),
}
ENTRIES_MOST = 200  # on the page; the API has all


@dataclass(frozen=True, slots=True)
class ServerRow:
    side: ServerSide
    pool: str

    @property
    def differs(self) -> list[Promise]:
        return [DIFFERS[name] for name in self.side.differs]

    @property
    def address(self) -> str:
        shall, does = self.side.shall, self.side.does
        if shall is not None:
            return f"{shall.address}:{shall.port}"
        return f"{does['address']}:{does['port']}" if does else ""

    @property
    def shall(self) -> Promise | None:
        return words.ADMIN[self.side.shall.admin.value] if self.side.shall else None

    @property
    def does(self) -> Promise | None:
        return words.ADMIN.get(self.side.does["admin"]) if self.side.does else None

    @property
    def oper(self) -> Promise | None:
        return words.OPER.get(self.side.does["oper"]) if self.side.does else None

    @property
    def check(self) -> str:
        does = self.side.does or {}
        return " · ".join(str(does[name]) for name in ("check", "code", "detail") if does.get(name))


@dataclass(frozen=True, slots=True)
class EntryRow:
    side: EntrySide

    @property
    def differs(self) -> Promise | None:
        return DIFFERS.get(self.side.differs)


@dataclass(frozen=True, slots=True)
class NodeRow:
    """`age` in seconds: of the answer, or of its last word. `differences` counts servers and entries, against what it
    tries where it tries something. `behind`: it has an older revision still; `not_taken`: why it keeps that."""

    name: str
    answered: bool
    age: float | None
    service: Promise | None = None
    cordoned_at: datetime | None = None
    revision: int | None = None
    tried: Tried | None = None
    behind: bool = False
    not_taken: str = ""
    version: str = ""
    waits: bool = False
    cut: bool = False
    differences: int = 0
    servers: tuple[ServerRow, ...] = ()
    entries: tuple[EntryRow, ...] = ()
    more: int = 0
    errors: tuple[dict[str, Any], ...] = ()
    ahead: int = 0


@tenant_page(Verb.SECRETS)
def index(request: TenantRequest) -> HttpResponse:
    answers = inspections.ask(request.tenant, now=timezone.now())
    with platform_scope():
        deployed = really.deployed(request.tenant.pk)
    pools = dict(Pool.objects.values_list("pk", "name"))
    rows = [node_row(one, deployed, pools, at=timezone.now().timestamp()) for one in answers]
    return page(request, "balancer/really.html", {"rows": rows, "deployed": deployed})


def node_row(answer: Answer, deployed: Deployed, pools: dict[str, str], *, at: float) -> NodeRow:
    """`at`: now, in epoch seconds."""
    told = answer.told
    if told is None:
        standing = SERVICE.get(answer.service)
        return NodeRow(answer.node, False, answer.age, standing, answer.cordoned_at, ahead=answer.ahead)
    against = really.stand(deployed, answer.node, told)
    servers, entries = really.servers(against.state, told), really.entries(against.state, told)
    errors = [{**one, "word": SIDES.get(one["side"], one["side"])} for one in told["errors"]]
    return NodeRow(
        name=answer.node,
        answered=True,
        age=max(0.0, at - float(told["at"])),
        service=SERVICE.get(answer.service),
        cordoned_at=answer.cordoned_at,
        revision=against.revision,
        tried=against.tried,
        behind=against.behind,
        not_taken=against.not_taken,
        version=told["version"],
        waits=told["waits"],
        cut=told["cut"],
        differences=sum(bool(side.differs) for side in servers) + sum(bool(side.differs) for side in entries),
        servers=tuple(ServerRow(side, pools.get(side.pool, side.pool)) for side in servers),
        entries=tuple(EntryRow(side) for side in entries[:ENTRIES_MOST]),
        more=max(0, len(entries) - ENTRIES_MOST),
        errors=tuple(errors),
    )


vars(index)["throttle_class_name"] = "expensive"  # as the API's: each is a question to every node
