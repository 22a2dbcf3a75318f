"""What the nodes really have of a tenant: asked of each of them now, beside what they shall have."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.queries import really
from balancer.queries.really import Deployed, EntrySide, ServerSide, Tried
from balancer.queries.status_json import duration, moment
from balancer.services import inspections
from balancer.services.inspections import Answer
from tenants.restkit.viewsets import TenantView
from tenants.roles import Verb
from tenants.scope import platform_scope


class SideSerializer(serializers.Serializer[Any]):
    address = serializers.CharField()
    weight = serializers.IntegerField()
    admin = serializers.CharField()


class RunningSerializer(SideSerializer):
    oper = serializers.CharField()
    last_check = serializers.DictField(help_text="HAProxy's word, the code, what it said, and how long it took.")
    since = serializers.CharField(allow_null=True, help_text="How long it is so.")
    sessions = serializers.IntegerField()
    rate = serializers.IntegerField()
    queue = serializers.IntegerField()
    total = serializers.IntegerField(help_text="Sessions since that HAProxy started.")
    raw = serializers.CharField(help_text="The line of `show servers state`.")


class OneBackendSerializer(serializers.Serializer[Any]):
    pool = serializers.CharField()
    backend = serializers.CharField()
    server = serializers.CharField(help_text="HAProxy's name for it.")
    desired = SideSerializer(allow_null=True)
    running = RunningSerializer(allow_null=True)
    differs = serializers.ListField(child=serializers.CharField())
    untold = serializers.BooleanField(help_text="The node's answer was cut before it: what runs is not known.")


class EntrySerializer(serializers.Serializer[Any]):
    map = serializers.CharField()
    key = serializers.CharField()
    desired = serializers.CharField(allow_null=True)
    running = serializers.CharField(allow_null=True)
    differs = serializers.CharField(help_text="missing, extra, other, or nothing.")
    untold = serializers.BooleanField(help_text="The node's answer was cut before it: what runs is not known.")


class ProtocolErrorSerializer(serializers.Serializer[Any]):
    proxy = serializers.CharField()
    side = serializers.CharField(help_text="request or response")
    at = serializers.CharField(help_text="As the node's clock has it.")
    server = serializers.CharField()
    position = serializers.IntegerField(allow_null=True, help_text="Of the first byte that was wrong.")


class CanarySerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    since = serializers.DateTimeField()
    watched = serializers.CharField(help_text="For how long it is looked at, before all have it or none.")


class LookedNodeSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    answered = serializers.BooleanField()
    why = serializers.CharField(help_text="Why not; else empty.")
    age = serializers.CharField(allow_null=True, help_text="Of the answer; without one, of its last word.")
    at = serializers.DateTimeField(allow_null=True)
    version = serializers.CharField()
    service = serializers.CharField(help_text="in, leaving or out: whether the platform sends it visitors.")
    cordoned_at = serializers.DateTimeField(allow_null=True, help_text="Since then nothing is tried on it first.")
    generation = serializers.IntegerField(help_text="What it has loaded of this tenant.")
    revision = serializers.IntegerField(allow_null=True, help_text="The one that it is held against.")
    canary = CanarySerializer(allow_null=True, help_text="It alone has this revision, and is held against it.")
    behind = serializers.BooleanField(help_text="It has something older still; the newest is on its way.")
    not_taken = serializers.CharField(help_text="Why it has something older still, and keeps it; else empty.")
    waits = serializers.BooleanField(help_text="Something newer waits there for a reload.")
    cut = serializers.BooleanField(
        help_text="There was more than an answer holds (2,000 servers, 3,000 entries). What it left out is `untold`."
    )
    differences = serializers.IntegerField()
    backends = OneBackendSerializer(many=True)
    maps = EntrySerializer(many=True)
    breaches = ProtocolErrorSerializer(many=True, help_text="Of the protocol; without what was sent.")


class DebugBackendsSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField(allow_null=True)
    generation = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Changes that are saved and wait to be deployed: no node has them.")
    nodes = LookedNodeSerializer(many=True)


class DebugBackendsViewSet(TenantView):
    """For a tenant's admins, and for staff who name one."""

    serializer_class = DebugBackendsSerializer
    pagination_class = None
    filter_backends = ()
    verbs: ClassVar[dict[str, Verb]] = {**TenantView.verbs, "list": Verb.SECRETS}
    throttle_class_names: ClassVar[dict[str, str]] = {"list": "expensive"}

    @extend_schema(responses=DebugBackendsSerializer)
    def list(self, request: Request, **_: Any) -> Response:
        """Ask each node now what its HAProxy has: servers with their last check and sessions, map entries, and the last
        breaches of the protocol without what was sent. A node that does not answer is told within five seconds."""
        answers = inspections.ask(self.tenant, now=timezone.now())
        with platform_scope():
            state = really.deployed(self.tenant.pk)
        return Response(
            {
                "revision": state.revision,
                "generation": state.generation,
                "waiting": state.waiting,
                "nodes": [node_json(one, state, at=timezone.now().timestamp()) for one in answers],
            }
        )


def node_json(answer: Answer, state: Deployed, *, at: float) -> dict[str, Any]:
    """`at`: now, in epoch seconds."""
    told = answer.told
    standing = {"node": answer.node, "service": answer.service, "cordoned_at": answer.cordoned_at}
    if told is None:
        said = "It did not answer in time." if answer.age is not None else "It was never heard."
        if answer.ahead:
            said = f"Its clock is {answer.ahead} s ahead: questions run out before it reads them. Set its clock."
        empty: dict[str, Any] = {"backends": [], "maps": [], "breaches": []}
        shown = {"at": None, "version": "", "generation": 0, "waits": False, "cut": False, "differences": 0, **empty}
        shown |= {"revision": None, "canary": None, "behind": False, "not_taken": ""}
        return {**standing, "answered": False, "why": said, "age": duration(answer.age), **shown}
    against = really.stand(state, answer.node, told)
    servers, entries = really.servers(against.state, told), really.entries(against.state, told)
    return {
        **standing,
        "revision": against.revision,
        "canary": canary_json(against.tried),
        "behind": against.behind,
        "not_taken": against.not_taken,
        "answered": True,
        "why": "",
        "age": duration(max(0.0, at - float(told["at"]))),
        "at": moment(float(told["at"])),
        "version": told["version"],
        "generation": told["generation"],
        "waits": told["waits"],
        "cut": told["cut"],
        "differences": sum(bool(side.differs) for side in servers) + sum(bool(side.differs) for side in entries),
        "backends": [server_json(side) for side in servers],
        "maps": [entry_json(side) for side in entries],
        "breaches": [
            {name: one[name] for name in ("proxy", "side", "at", "server", "position")} for one in told["errors"]
        ],
    }


def canary_json(tried: Tried | None) -> dict[str, Any] | None:
    if tried is None:
        return None
    return {"revision": tried.revision, "since": tried.since, "watched": f"{tried.seconds}s"}


def server_json(side: ServerSide) -> dict[str, Any]:
    shall, does = side.shall, side.does
    return {
        "pool": side.pool,
        "backend": side.backend,
        "server": side.server,
        "desired": shall
        and {"address": f"{shall.address}:{shall.port}", "weight": shall.weight, "admin": shall.admin.value},
        "running": does
        and {
            "address": f"{does['address']}:{does['port']}",
            "weight": does["weight"],
            "admin": does["admin"],
            "oper": does["oper"],
            "last_check": {
                "check": does["check"],
                "code": does["code"],
                "detail": does["detail"],
                "duration": None if does["check_ms"] is None else f"{does['check_ms']}ms",
            },
            "since": None if does["changed_s"] is None else f"{does['changed_s']}s",
            **{name: does[name] for name in ("sessions", "rate", "queue", "total", "raw")},
        },
        "differs": list(side.differs),
        "untold": side.untold,
    }


def entry_json(side: EntrySide) -> dict[str, Any]:
    return {
        "map": side.map,
        "key": side.key,
        "desired": side.shall,
        "running": side.does,
        "differs": side.differs,
        "untold": side.untold,
    }
