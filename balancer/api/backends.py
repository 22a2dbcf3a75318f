"""Backends: list, get, add, change, remove; drain, ready, maintain, weight. The same under a pool."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api import drains as drain_fields
from balancer.api.backend_fields import (
    BackendsDoneSerializer,
    BackendSerializer,
    HealthEventSerializer,
    PoolBackendSerializer,
    PoolBackendsSerializer,
    WeightSerializer,
)
from balancer.api.changes import ObservedViewSet
from balancer.api.drains import DrainManySerializer, DrainSerializer, ForceSerializer
from balancer.fleet.models import Then
from balancer.models import Backend, Pool
from balancer.queries import backend_status, health_events
from balancer.queries import drains as progress
from balancer.services import addresses, backends, drains, edits, membership, names
from balancer.services.edits import Changed
from tenants.errors import InvalidField, NotFound
from tenants.restkit.serializers import StrictSerializer
from tenants.restkit.viewsets import TenantView
from tenants.roles import Verb


class BackendFilter(filters.FilterSet):
    address = filters.CharFilter(method="at_address")

    class Meta:
        model = Backend
        fields = ("pool", "admin", "region", "weight")

    def at_address(self, rows: QuerySet[Backend], name: str, value: str) -> QuerySet[Backend]:
        try:
            at = addresses.read(value)
        except ValueError as error:
            raise InvalidField("address", str(error)) from error
        return rows.filter(ip=at.ip, host=at.host, port=at.port)


class BackendViewSet(ObservedViewSet):
    """One address that answers."""

    queryset = Backend.objects.all()
    serializer_class: type[StrictSerializer] = BackendSerializer
    filterset_class = BackendFilter
    search_fields = ("ip", "host", "region", "description")
    ordering_fields = ("created_at", "updated_at", "weight", "region")
    verbs: ClassVar[dict[str, Verb]] = {
        **TenantView.verbs,
        "events": Verb.VIEW,
        **dict.fromkeys(("drain", "drain_many", "ready", "maintain", "weight"), Verb.RUNTIME),
    }
    seen: Mapping[str, backend_status.Seen] = {}
    drains: dict[str, progress.Progress] = {}

    def observe(self, shown: Sequence[Backend]) -> None:
        # More than one round trip only where something drains or goes by a name.
        self.seen = backend_status.of(self.tenant.pk, shown, now=self.now)
        self.drains = progress.progress(self.tenant.pk, shown, now=self.now)

    def seen_of(self, backend: Backend) -> backend_status.Seen:
        return self.seen.get(backend.pk, backend_status.NOTHING)

    def pool(self, values: dict[str, Any]) -> Pool:
        pool = Pool.objects.filter(pk=values.pop("pool_id")).first()
        if pool is None:
            raise InvalidField(
                "pool", "There is no such pool here; create it first, or name one of yours.", "unknown_pool"
            )
        return pool

    def act_create(self, values: dict[str, Any]) -> Changed[Backend]:
        pool = self.pool(values)
        return backends.add(pool, backends.NewBackend(**values), by=self.actor, now=self.now)

    def asked_first(self, values: dict[str, Any]) -> AbstractContextManager[None]:
        return names.first_look([values.get("address", "")], now=self.now)

    def act_update(self, obj: Backend, values: dict[str, Any]) -> Changed[Backend]:
        if values.pop("pool_id", obj.pool_id) != obj.pool_id:
            raise InvalidField(
                "pool", "A backend stays in its pool; add it to the other one and remove it here.", "fixed"
            )
        if self.action == "update":
            values = asdict(backends.NewBackend(**values))
        return backends.update(obj, values, by=self.actor, now=self.now)

    def act_delete(self, obj: Backend) -> Changed[Backend]:
        return backends.remove(obj, by=self.actor, now=self.now)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """At once; or with `?drain=30s` once nobody is left on it, and after that time at the latest: 202 with the
        backend, whose `drain` tells how far it is until it is a 404."""
        if "drain" not in request.query_params:
            return super().destroy(request, *args, **kwargs)
        after = drain_fields.removal_after(request.query_params["drain"])
        with transaction.atomic():
            edits.hold_tenant()
            done = backends.drain(
                self.get_object(), by=self.actor, now=self.now, force=True, deadline=after, then=Then.REMOVE
            )
        return self.changed(done, status=202)

    @extend_schema(request=DrainSerializer)
    @action(detail=True, methods=["post"])
    def drain(self, request: Request, **_: Any) -> Response:
        """Give it no new sessions, and let the ones it has finish; `then` follows. `ready` calls it off."""
        return self.run(DrainSerializer, backends.drain)

    @extend_schema(request=DrainManySerializer, responses=BackendSerializer(many=True))
    @action(detail=False, methods=["post"], url_path="drain", url_name="drain-many")
    def drain_many(self, request: Request, **_: Any) -> Response:
        """Drain several, by `ids`, or all of a `pool`: all of them or none."""
        sent = DrainManySerializer(data=request.data or {})
        sent.is_valid(raise_exception=True)
        asked = self.chosen(dict(sent.validated_data))
        done = drains.drain_many(asked.pop("ids"), asked.pop("pool"), **asked, by=self.actor, now=self.now)
        self.observe(done.backends)
        items = self.get_serializer(done.backends, many=True).data
        return Response({"items": items, "change": self.change(done.edit)})

    def chosen(self, asked: dict[str, Any]) -> dict[str, Any]:
        return asked

    @extend_schema(request=ForceSerializer)
    @action(detail=True, methods=["post"])
    def maintain(self, request: Request, **_: Any) -> Response:
        """Take it out at once."""
        return self.run(ForceSerializer, backends.maintain)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def ready(self, request: Request, **_: Any) -> Response:
        """Bring it back."""
        return self.run(StrictSerializer, backends.ready)

    @extend_schema(responses=HealthEventSerializer(many=True))
    @action(detail=True, methods=["get"])
    def events(self, request: Request, **_: Any) -> Response:
        """When it went up and down, on which node and why: the newest of the account's last hundred."""
        found = health_events.newest(self.tenant.key, backend=self.get_object().pk)
        return Response({"items": [health_events.event_json(event) for event in found]})

    @extend_schema(request=WeightSerializer)
    @action(detail=True, methods=["post"])
    def weight(self, request: Request, **_: Any) -> Response:
        """Its share against the pool's other backends."""
        return self.run(WeightSerializer, backends.set_weight)

    def run(self, form: type[StrictSerializer], act: Callable[..., Changed[Backend]]) -> Response:
        sent = form(data=self.request.data or {})
        sent.is_valid(raise_exception=True)
        done = act(self.get_object(), **sent.validated_data, by=self.actor, now=self.now)
        return self.changed(done)


class PoolBackendViewSet(BackendViewSet):
    """A pool's own backends."""

    serializer_class = PoolBackendSerializer
    verbs: ClassVar[dict[str, Verb]] = {**BackendViewSet.verbs, "replace_all": Verb.EDIT}

    def get_queryset(self) -> QuerySet[Backend]:
        if not Pool.objects.filter(pk=self.kwargs["pool"]).exists():
            raise NotFound
        return Backend.objects.filter(pool=self.kwargs["pool"])

    @extend_schema(request=PoolBackendsSerializer, responses={200: BackendsDoneSerializer})
    def replace_all(self, request: Request, **_: Any) -> Response:
        """Have these backends and no others, all or nothing. Who has the same address stays the same server, with its
        state and its counters."""
        form = PoolBackendsSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        pool = self.pool({})
        done = membership.replace(pool, form.validated_data["backends"], by=self.actor, now=self.now)
        rows = list(self.get_queryset().order_by("created_at", "id"))
        self.observe(rows)
        change = self.change(done.edits[-1]) if done.edits else None
        return Response({"items": self.get_serializer(rows, many=True).data, "change": change})

    def pool(self, values: dict[str, Any]) -> Pool:
        pool = Pool.objects.filter(pk=self.kwargs["pool"]).first()
        if pool is None:
            raise NotFound
        return pool

    def chosen(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Those of this pool: all, or the ones that are named."""
        if asked["pool"] not in (None, self.kwargs["pool"]):
            raise InvalidField("pool", "The path names the pool already; leave this out.", "fixed")
        self.get_queryset()
        return {**asked, "ids": drain_fields.of_pool(asked["ids"], self.kwargs["pool"]), "pool": None}
