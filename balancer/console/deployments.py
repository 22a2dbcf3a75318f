"""Deployments: what each node did with each revision, step by step, and HAProxy's words."""

from collections import Counter
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
from balancer.fleet.models import Deployment, DeploymentState, Revision
from balancer.fleet.models.deployment import NOT_TAKEN
from balancer.queries.changes import merged
from balancer.services import revisions
from tenants.console.doors import TenantRequest, tenant_page
from tenants.roles import Verb

PAGE = 20
KINDS = tuple(words.STEP)


@dataclass(frozen=True, slots=True)
class RevisionRow:
    revision: Revision
    state: str
    deployments: list[Deployment]
    edits: int

    @property
    def word(self) -> Promise:
        return words.CHANGE[self.state]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one node did of one kind. `count` 0: nothing of it was needed."""

    kind: str
    word: Promise
    count: int
    ms: float


@dataclass(frozen=True, slots=True)
class NodeColumn:
    deployment: Deployment
    cells: list[Cell]

    @property
    def word(self) -> Promise:
        return words.DEPLOYMENT[self.deployment.state]

    @property
    def last_step(self) -> str:
        done = [cell.kind for cell in self.cells if cell.count]
        return done[-1] if done else self.deployment.state

    @property
    def seconds(self) -> float | None:
        finished = self.deployment.finished_at
        return (finished - self.deployment.queued_at).total_seconds() if finished else None


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    found = Revision.objects.filter(tenant=request.tenant).select_related("by").order_by("-number")
    shown = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return page(request, "balancer/deployments.html", {"shown": shown, "rows": rows_of(list(shown))})


def rows_of(found: list[Revision]) -> list[RevisionRow]:
    """Two queries for a page of revisions."""
    deployments: dict[str, list[Deployment]] = {revision.pk: [] for revision in found}
    for deployment in Deployment.objects.filter(revision__in=found).select_related("node").order_by("node__name", "pk"):
        deployments[deployment.revision_id].append(deployment)
    edits = Counter(
        number
        for revision in Revision.objects.filter(pk__in=deployments).prefetch_related("edits")
        for number in [revision.pk] * len(revision.edits.all())
    )
    return [RevisionRow(r, state_of(deployments[r.pk]), deployments[r.pk], edits[r.pk]) for r in found]


def state_of(deployments: list[Deployment]) -> str:
    states = Counter(deployment.state for deployment in deployments)
    if deployments and states[DeploymentState.SUPERSEDED] == len(deployments):
        return "superseded"
    return merged(states).value


@tenant_page(post=Verb.DEPLOY)
def detail(request: TenantRequest, number: int) -> HttpResponse:
    revision = get_object_or_404(Revision.objects.select_related("by"), tenant=request.tenant, number=number)
    deployments = list(revision.deployments.select_related("node", "revision").order_by("node__name", "pk"))
    if request.method == "POST":
        return retry(request, revision, deployments)
    state = state_of(deployments)
    newest = not Revision.objects.filter(tenant=request.tenant, number__gt=number).exists()
    context: dict[str, Any] = {
        "revision": revision,
        "columns": [column(deployment) for deployment in deployments],
        "kinds": words.STEP.items(),
        "edits": revision.edits.select_related("by").order_by("id"),
        "state": state,
        "word": words.CHANGE[state],
        "can_retry": newest and state == "failed",
        "newest": newest,
    }
    return page(request, "balancer/deployment.html", context)


def retry(request: TenantRequest, revision: Revision, deployments: list[Deployment]) -> HttpResponse:
    failed = [d for d in deployments if d.state in NOT_TAKEN]
    if failed:
        again = revisions.retry(failed[0], by=request.actor, now=timezone.now())
        messages.success(request, _("r%(number)d is on its way to the nodes again.") % {"number": again.number})
        return redirect("console:deployment", request.tenant.slug, again.number)
    messages.info(request, _("No node refused it; there is nothing to repeat."))
    return redirect("console:deployment", request.tenant.slug, revision.number)


def column(deployment: Deployment) -> NodeColumn:
    counts = Counter(step["kind"] for step in deployment.steps)
    took = {kind: sum(float(s.get("ms") or 0) for s in deployment.steps if s["kind"] == kind) for kind in KINDS}
    return NodeColumn(deployment, [Cell(kind, words.STEP[kind], counts[kind], took[kind]) for kind in KINDS])
