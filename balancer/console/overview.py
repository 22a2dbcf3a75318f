"""The overview: one sentence about health, problems first, what is measured, and the way for a new tenant."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from balancer.console.changes import ChangeRow
from balancer.console.frame import page
from balancer.console.lists import worst_first
from balancer.console.pools import pool_rows
from balancer.console.rows import PoolRow
from balancer.console.traffic import curl
from balancer.fleet.models import Deployment, Edit, Revision
from balancer.fleet.models.deployment import NOT_TAKEN
from balancer.models import Route
from balancer.queries import cluster
from balancer.queries.cluster import NodeView, Sync
from balancer.queries.observed import Fresh
from tenants.console.doors import TenantRequest, tenant_page

FIRST = 10  # of pools, and of what needs somebody


@dataclass(frozen=True, slots=True)
class Problem:
    """`level` is `bad` or `warn`; `url` leads to where it can be put right."""

    level: str
    sentence: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Of a new tenant's checklist. `url` empty: what comes before it is not done yet."""

    name: str
    title: str
    text: str
    done: bool
    url: str = ""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Summed over the pools. `age` None: nothing was heard."""

    rate: int
    sessions: int
    requests: int
    errors: int
    age: float | None


@tenant_page()
def overview(request: TenantRequest) -> HttpResponse:
    now = timezone.now()
    pools, nodes = pool_rows(request), nodes_of(request, now)
    routes = list(Route.objects.select_related("pool").order_by("host", "path_prefix", "pk"))
    problems = list(problems_of(request, pools, nodes, routes))
    traffic = traffic_of(pools)
    steps = checklist(request, pools, routes, traffic)
    first = next((route for route in routes if route.enabled), None)
    context = {
        "pools": pools,
        "first_pools": worst_first(pools)[:FIRST],
        "nodes": nodes,
        "routes": len(routes),
        "in_sync": sum(node.sync is Sync.IN_SYNC for node in nodes),
        "first_problems": problems[:FIRST],
        "more_problems": max(0, len(problems) - FIRST),
        "health": health(pools, nodes, problems, routes),
        "traffic": traffic,
        "up": sum(row.status.up + row.status.nocheck for row in pools if row.status.fresh is not Fresh.OFFLINE),
        "backends": sum(row.configured for row in pools),
        "steps": steps,
        "unfinished": not all(step.done for step in steps),
        "nothing_yet": not pools and not routes,
        "curl": curl(first) if first else "",
        "first": first,
        "changes": [
            ChangeRow(edit)
            for edit in Edit.objects.filter(tenant=request.tenant).select_related("by", "revision").order_by("-id")[:6]
        ],
    }
    return page(request, "balancer/overview.html", context)


def nodes_of(request: TenantRequest, now: datetime) -> list[NodeView]:
    return [node for found in cluster.of_tenant(request.tenant.pk, now=now) for node in found.nodes]


def traffic_of(pools: list[PoolRow]) -> Traffic:
    heard = [row.status for row in pools if row.status.age is not None]
    return Traffic(
        rate=sum(status.rate for status in heard),
        sessions=sum(status.sessions for status in heard),
        requests=sum(status.requests for status in heard),
        errors=sum(status.errors_5xx for status in heard),
        age=max((status.age for status in heard if status.age is not None), default=None),
    )


def problems_of(
    request: TenantRequest, pools: list[PoolRow], nodes: list[NodeView], routes: list[Route]
) -> Iterator[Problem]:
    """Worst first: no answer at all, then less of it, then what may become one."""
    slug = request.tenant.slug
    routed = {route.pool_id for route in routes if route.enabled}
    for row in pools:
        url = reverse("console:pool", args=[slug, row.pool.pk])
        if row.tone == "down":
            yield Problem("bad", _("%(pool)s has no backend that is up.") % {"pool": row.pool.name}, url)
        elif row.tone == "empty" and row.pool.pk in routed:
            yield Problem(
                "bad", _("%(pool)s has no backends, and a route sends requests there.") % {"pool": row.pool.name}, url
            )
    yield from refusals(request)
    for row in pools:
        if row.tone == "partly" and row.down:
            said = ngettext(
                "%(count)d backend of %(pool)s is down.", "%(count)d backends of %(pool)s are down.", row.down
            )
            url = reverse("console:pool", args=[slug, row.pool.pk])
            yield Problem("warn", said % {"count": row.down, "pool": row.pool.name}, url)
    for node in nodes:
        if node.fresh is Fresh.OFFLINE:
            yield Problem("warn", _("Node %(node)s has not been heard from lately.") % {"node": node.name})


def refusals(request: TenantRequest) -> Iterator[Problem]:
    """Of the newest revision only: an older one that was refused has been put right."""
    newest = Revision.objects.filter(tenant=request.tenant).order_by("-number").values("pk")[:1]
    found = Deployment.objects.filter(revision__in=newest, state__in=NOT_TAKEN).select_related("revision", "node")
    for deployment in found.order_by("node__name", "pk"):
        said = _("Node %(node)s did not take r%(number)d.") % {
            "node": deployment.node.name,
            "number": deployment.revision.number,
        }
        yield Problem(
            "bad", said, reverse("console:deployment", args=[request.tenant.slug, deployment.revision.number])
        )


@dataclass(frozen=True, slots=True)
class Health:
    tone: str
    sentence: str


def health(pools: list[PoolRow], nodes: list[NodeView], problems: list[Problem], routes: list[Route]) -> Health:
    """Never green without data."""
    bad = sum(problem.level == "bad" for problem in problems)
    if bad:
        return Health("down", ngettext("%(n)d thing needs you now.", "%(n)d things need you now.", bad) % {"n": bad})
    if not any(row.configured for row in pools) or not routes:
        return Health("unknown", _("No traffic is set up yet."))
    if not nodes or all(node.fresh is Fresh.OFFLINE for node in nodes):
        return Health("unknown", _("No node has reported lately, so we cannot say how your backends are."))
    if all(row.tone in ("unknown", "empty") for row in pools):
        return Health("unknown", _("Waiting for the first word about your backends."))
    if problems:
        return Health("partly", _("Traffic flows, with less to spare than you planned."))
    return Health("up", _("All backends that we watch are up, and every node runs your newest state."))


def checklist(request: TenantRequest, pools: list[PoolRow], routes: list[Route], traffic: Traffic) -> list[Step]:
    slug = request.tenant.slug
    first = reverse("console:backend-new", args=[slug, pools[0].pool.pk]) if pools else ""
    return [
        Step(
            "pool",
            _("Create a pool"),
            _("Backends that answer the same requests."),
            bool(pools),
            reverse("console:pool-new", args=[slug]),
        ),
        Step(
            "backend",
            _("Add a backend"),
            _("One address of yours that answers."),
            any(row.configured for row in pools),
            first,
        ),
        Step(
            "route",
            _("Add a route"),
            _("Which host and path goes to the pool."),
            bool(routes),
            reverse("console:route-new", args=[slug]) if pools else "",
        ),
        Step("request", _("See the first request"), _("Send one with the command below."), traffic.requests > 0),
    ]
