"""Nodes, for staff: how each is, and what can be done to it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

from balancer.admin.acts import AWAY, Act, ActRows
from balancer.admin.node_forms import CordonForm, ForceForm, LeaveForm, NewNodeForm
from balancer.fleet.models import Node, Service
from balancer.queries import fleet_nodes
from balancer.queries.fleet_nodes import KeyState, NodeFacts
from balancer.services import cordons, fleet, node_keys, node_removal, node_service
from balancer.services.node_keys import OneTime
from tenants.actor import Actor
from tenants.console.doors import to_prove
from tenants.errors import Refused
from tenants.restkit import access
from tenants.scope import platform_scope
from tenants.services.signing_in.reauth import ReauthenticationNeeded

Sent = Mapping[str, Any]
KEYS = {
    KeyState.ANNOUNCED: "nobody came yet",
    KeyState.EXPIRED: "nobody came; its one-time key is too old",
    KeyState.CURRENT: "in use",
    KeyState.ASKED: "in use; a command for the next one is out",
    KeyState.FETCHED: "changing: the one before counts too",
}


def cordon(node: Node, sent: Sent, by: Actor, now: datetime) -> None:
    cordons.cordon(node, reason=sent["reason"], force=sent["force"], by=by, now=now)


def uncordon(node: Node, sent: Sent, by: Actor, now: datetime) -> None:
    cordons.uncordon(node, by=by, now=now)


def leave(node: Node, sent: Sent, by: Actor, now: datetime) -> None:
    after = timedelta(minutes=sent["grace_minutes"])
    node_service.leave(node, after=after, force=sent["force"], by=by, now=now)


def come_back(node: Node, sent: Sent, by: Actor, now: datetime) -> None:
    node_service.come_back(node, by=by, now=now)


def redeploy(node: Node, sent: Sent, by: Actor, now: datetime) -> None:
    fleet.redeploy(node, by=by, now=now)


def rotate(node: Node, sent: Sent, by: Actor, now: datetime) -> dict[str, Any]:
    one_time = node_keys.rotate(node, by=by, now=now)
    return shown(node.name, one_time, node_keys.act_for(node))


def remove(node: Node, sent: Sent, by: Actor, now: datetime) -> None:
    node_removal.remove(node, force=sent["force"], by=by, now=now)


def shown(name: str, one_time: OneTime, act: str) -> dict[str, Any]:
    where = "in a copy of this project on its machine, in a folder of its own"
    if act == "fetch-key":
        where = "in its folder, on its machine"
    return {
        "title": f"A one-time key for {name}",
        "said": f"Run this {where}. It is good once, until {one_time.until:%H:%M} UTC, and is not shown again.",
        "command": f"python3 manage.py node {act} {settings.BASE_URL} {one_time.key}",
    }


def has_come(node: Node) -> bool:
    return node.joined_at is not None


@admin.register(Node)
class NodeAdmin(ActRows):
    """Ages are as of the page's last look, every five seconds."""

    list_display = ("name", "cluster", "heard", "runs", "behind", "in_service", "cordoned", "key_now")
    list_filter = ("cluster", "service")
    list_select_related = ("cluster",)
    search_fields = ("name", "cluster__name")
    ordering = ("name",)
    change_list_template = "staff/fresh_list.html"
    fields = ("name", "cluster", "heard", "runs", "behind", "words", "drifts", "in_service", "cordoned", "key_now",
              "refused", "joined_at")  # fmt: skip
    readonly_fields = fields
    acts = {
        "cordon": Act(
            "Cordon",
            "No new tenant comes to its cluster, and no canary is tried on it. Who is there is served as ever.",
            cordon,
            "cordoned.",
            CordonForm,
            lambda node: has_come(node) and node.cordoned_at is None,
        ),
        "uncordon": Act(
            "Uncordon", "New tenants may come to its cluster again.", uncordon, "no longer cordoned.",
            offered=lambda node: node.cordoned_at is not None,
        ),
        "leave": Act(
            "Take out of service",
            "Its readiness path answers 503 at once; after the grace it takes no new connections. It can come back.",
            leave,
            "on its way out of service.",
            LeaveForm,
            lambda node: has_come(node) and node.service == Service.IN,
        ),
        "return": Act(
            "Bring back", "It takes new connections again, within seconds.", come_back, "on its way back.",
            offered=lambda node: node.service != Service.IN,
        ),
        "redeploy": Act(
            "Redeploy",
            "It is sent all that it shall have, and loads it anew. No request is lost; limits begin to count anew.",
            redeploy,
            "told everything anew.",
            offered=has_come,
        ),
        "rotate-key": Act(
            "Change its key",
            "You get a command to be run on its machine. The key that it has counts until it has spoken with the new "
            "one; without the command nothing changes.",
            rotate,
            proven=True,
        ),
        "remove": Act(
            "Remove for good",
            "Its row, its deployments, what waits for it and its way into Redis go. Its HAProxy goes on with what it "
            "has until somebody stops it there: take it out of service first.",
            remove,
            "removed.",
            ForceForm,
            proven=True,
            leaves=True,
        ),
    }  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Node]:
        return super().get_queryset(request).select_related("cluster")

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        found = super().get_changelist_instance(request)
        found.result_list = with_facts(list(found.result_list))
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Node | None:
        row = super().get_object(request, object_id, from_field)
        return with_facts([row])[0] if row is not None else None

    def has_delete_permission(self, request: HttpRequest, obj: Node | None = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Announce one; the answer is the page that shows its command."""
        form = NewNodeForm(request.POST if request.method == "POST" else None)
        status = 200
        try:
            access.of(request).require_staffs_proof(now=timezone.now())
            if request.method == "POST" and form.is_valid():
                return self._announced(request, form)
        except ReauthenticationNeeded:
            return to_prove(request)
        except (Refused, RedisError) as refused:
            form.add_error(None, refused.detail if isinstance(refused, Refused) else AWAY)
            status = 409
        question = "You get a command to be run on the new node's machine. It is good once, for an hour."
        return self.ask(request, "Add a node", question, form, things=[], button="Add", status=status)

    def _announced(self, request: HttpRequest, form: NewNodeForm) -> HttpResponse:
        with platform_scope():
            node, one_time = fleet.announce(
                form.cleaned_data["name"],
                form.cluster_name,
                create_cluster=bool(form.cleaned_data["new_cluster"]),
                by=access.of(request).actor(access.address_of(request)),
                now=timezone.now(),
            )
        return self.once(request, shown(node.name, one_time, "join"), back=reverse("admin:fleet_node_changelist"))

    def heard(self, node: Any) -> str:
        found: NodeFacts = node.facts
        if found.seen is None:
            return "never"
        age = found.seen.age
        if age is None:
            return "never"
        said = f"{age:.0f} s ago" if age < 120 else f"{age / 60:.0f} min ago"
        return said if found.seen.serving is not False else f"{said}; its HAProxy does not answer"

    def runs(self, node: Any) -> str:
        return node.facts.seen.version if node.facts.seen else "–"

    def behind(self, node: Any) -> str:
        found: NodeFacts = node.facts
        parts = [found.seen.sync.value.replace("_", " ")] if found.seen else ["–"]
        parts += [f"{found.lag} behind"] if found.lag else []
        parts += [f"{len(found.drift)} drifted"] if found.drift else []
        return ", ".join(parts)

    def drifts(self, node: Any) -> str:
        return "\n".join(node.facts.drift) or "none"

    def in_service(self, node: Any) -> str:
        said = node.get_service_display()
        return said if node.service == node.service_seen else f"{said} (not confirmed yet)"

    def cordoned(self, node: Any) -> str:
        if node.cordoned_at is None:
            return "no"
        return f"since {node.cordoned_at:%d %b %H:%M} UTC" + (f": {node.cordon_reason}" if node.cordon_reason else "")

    def key_now(self, node: Any) -> str:
        found: NodeFacts = node.facts
        said = KEYS[found.key_state]
        return said if found.key_age is None else f"{said}; {found.key_age / 86400:.0f} days old"

    def refused(self, node: Any) -> str:
        at = node.refused_at
        return f"a message not signed with its key, {at:%d %b %H:%M:%S} UTC" if at else "nothing"

    heard.short_description = "last word"  # type: ignore[attr-defined]
    runs.short_description = "HAProxy"  # type: ignore[attr-defined]
    behind.short_description = "state"  # type: ignore[attr-defined]
    in_service.short_description = "service"  # type: ignore[attr-defined]
    key_now.short_description = "key"  # type: ignore[attr-defined]


def with_facts(nodes: list[Any]) -> list[Any]:
    found = fleet_nodes.facts(nodes, now=timezone.now())
    for node in nodes:
        node.facts = found[node.pk]
    return nodes
