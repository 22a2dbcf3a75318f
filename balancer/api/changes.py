"""What every write of this app answers: the object, and how far its change has come."""

import re
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.fleet.models import Edit
from balancer.queries import changes
from balancer.services import edits
from balancer.services.edits import Changed
from tenants.restkit.schema import WRITES, Direction, Schema, header
from tenants.restkit.viewsets import TenantView, TenantViewSet

WAIT = re.compile(r"\bwait=(\d{1,3})\b")
MOST_SECONDS = 30
LOOK_EVERY = 0.02
PREFER = f"`wait=10`, {MOST_SECONDS} at most: answer once every node runs the change, one refused it, or time is over."


class ChangeSerializer(serializers.Serializer[Any]):
    edit = serializers.CharField()
    revision = serializers.IntegerField(allow_null=True, help_text="The one that holds it, once it is cut.")
    state = serializers.ChoiceField([state.value for state in changes.ChangeState])
    waiting = serializers.ListField(child=serializers.CharField(), help_text="Nodes that do not run it yet.")


class ChangeSchema(Schema):
    """Writes answer with the change, and may be told to wait for it."""

    def get_override_parameters(self) -> list[Any]:
        found = super().get_override_parameters()
        return [*found, header("Prefer", PREFER)] if self.method in WRITES else found

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        if self.method not in WRITES:
            return bodies
        change = {"change": self.resolve_serializer(ChangeSerializer, direction).ref}
        if self.method == "DELETE":
            bodies.pop("204", None)
            shape = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
            bodies["200"] = {"description": "It is gone.", "content": {"application/json": {"schema": shape}}}
        for status in ("200", "201"):
            for content in bodies.get(status, {}).get("content", {}).values():
                beside = {"type": "object", "required": ["change"], "properties": change}
                content["schema"] = {"allOf": [content["schema"], beside]}
        return bodies


class ChangeView(TenantView):
    """Brings no action of its own: what an action needs to answer with its change."""

    schema = ChangeSchema()
    now: datetime

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.now = timezone.now()

    def form(self, data: Any, *, partial: bool = False) -> dict[str, Any]:
        """What was sent, by field of the model; a full update fills what was left out with its defaults."""
        serializer = self.get_serializer(data=data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def changed(self, done: Changed[Any], *, status: int = 200) -> Response:
        change = self.change(done.edit)
        return self.answer(done.object, status=status, change=change)

    def change(self, edit: Edit) -> dict[str, Any]:
        """At once, or with `Prefer: wait=N` when every node runs it, some node refused it, or N seconds are over."""
        if edit.staged or not self.waits():
            return ChangeSerializer(asdict(changes.Change(str(edit.pk), None, changes.state_before(edit)))).data
        return self.awaited(lambda: changes.of(edit))

    def waits(self) -> bool:
        return WAIT.search(self.request.headers.get("Prefer", "")) is not None

    def awaited(self, look: Callable[[], changes.Change]) -> dict[str, Any]:
        """What is seen now, or with `Prefer: wait=N` at the end of the wait."""
        match = WAIT.search(self.request.headers.get("Prefer", ""))
        deadline = time.monotonic() + (min(int(match[1]), MOST_SECONDS) if match else 0)
        found = look()
        while (
            found.state in (changes.ChangeState.PENDING, changes.ChangeState.DEPLOYING) and time.monotonic() < deadline
        ):
            time.sleep(LOOK_EVERY)
            found = look()
        return ChangeSerializer(asdict(found)).data


class ChangeViewSet(ChangeView, TenantViewSet):
    """Create, update and delete, each one call to a service, answered with the change.

    The tenant is held from the `If-Match` check to the write, so that nothing slips in between.
    """

    @abstractmethod
    def act_create(self, values: dict[str, Any]) -> Changed[Any]: ...

    @abstractmethod
    def act_update(self, obj: Any, values: dict[str, Any]) -> Changed[Any]: ...

    @abstractmethod
    def act_delete(self, obj: Any) -> Changed[Any]: ...

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.form(request.data)
        return self.changed(self.act_create(values), status=201)

    def update(self, request: Request, *args: Any, partial: bool = False, **kwargs: Any) -> Response:
        values = self.form(request.data, partial=partial)
        with self.asked_first(values), transaction.atomic():
            edits.hold_tenant()
            done = self.act_update(self.get_object(), values)
        return self.changed(done)

    def asked_first(self, values: dict[str, Any]) -> AbstractContextManager[None]:
        """What must be asked of others before the tenant is held."""
        return nullcontext()

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.update(request, *args, partial=True, **kwargs)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            edits.hold_tenant()
            done = self.act_delete(self.get_object())
        return Response({"id": done.object.pk, "change": self.change(done.edit)})


class ObservedViewSet(ChangeViewSet):
    """Objects that are shown with what is live of them."""

    @abstractmethod
    def observe(self, shown: Sequence[Any]) -> None:
        """Look at the live side of all that is about to be shown, in one round trip."""

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset)
        self.observe(page or [])
        return page

    def answer(self, obj: Any, **options: Any) -> Response:
        self.observe([obj])
        return super().answer(obj, **options)
