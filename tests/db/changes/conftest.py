"""A tenant whose changes are cut here and whose nodes say that they took them."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.utils import timezone

from balancer import enqueue
from balancer.fleet.models import Deployment, Node, Revision, Trial
from balancer.services import deployments, revisions
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World


@dataclass
class Fleet:
    """`told`: node name → the messages that it was sent."""

    tenant: Tenant
    api: build.Api
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def cut(self) -> Revision | None:
        with tenant_scope(self.tenant):
            return revisions.cut(self.tenant.pk, now=timezone.now())

    def newest(self) -> Revision:
        with tenant_scope(self.tenant):
            return Revision.objects.latest("number")

    def live(self, *, on: str = "") -> None:
        """Every node, or one, says that it serves the newest revision."""
        self.report("live", on=on)

    def report(self, outcome: str, *, on: str = "", reason: str = "") -> None:
        number = self.newest().number
        with platform_scope():
            for node in Node.objects.order_by("name"):
                row = Deployment.objects.filter(node=node, tenant=self.tenant, revision__number=number)
                newest = row.order_by("-generation").first()
                if newest is None or (on and node.name != on):
                    continue
                tenants = [{
                    "tenant": self.tenant.key, "generation": newest.generation, "digest": "", "outcome": outcome,
                    "reason": reason, "steps": [],
                }]  # fmt: skip
                body = {
                    "generation": newest.generation,
                    "outcome": "converged",
                    "version": "2.6.12",
                    "tenants": tenants,
                }
                at = timezone.now().timestamp()
                deployments.reported(node, {"node": node.pk, "at": at, **body}, now=timezone.now())

    def states(self) -> dict[str, str]:
        """Node → what its newest deployment of the newest revision says."""
        with tenant_scope(self.tenant):
            rows = Deployment.objects.filter(revision=self.newest()).order_by("generation").select_related("node")
            return {row.node.name: row.state for row in rows}

    def trial(self) -> Trial:
        with tenant_scope(self.tenant):
            return Trial.objects.select_related("node", "revision").latest("began_at")

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self.api.post(f"/api/{path}", body or {})
        assert answer.status_code == status, answer.content
        return answer.json()

    def get(self, path: str) -> Any:
        answer = self.api.get(f"/api/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json() if "json" in answer.headers["Content-Type"] else answer.content.decode()

    def last_told(self, node: str) -> dict[str, Any]:
        return self.told[node][-1]


@pytest.fixture
def fleet(committed: World, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    made = Fleet(committed.ours, build.api(committed.owner, committed.ours))
    with platform_scope():
        names = dict(Node.objects.values_list("pk", "name"))
        Node.objects.update(heartbeat_at=timezone.now(), version="2.6.12")

    def converge(node_id: str, body: str, signature: str) -> None:
        made.told.setdefault(names[node_id], []).append(json.loads(body))

    monkeypatch.setattr(enqueue, "converge", converge)
    monkeypatch.setattr(enqueue, "cut", lambda tenant_id, request_id="": None)
    return made
