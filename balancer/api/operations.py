"""From what was sent to operations of a batch: one serializer for each kind, the same that the resource itself has."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rest_framework import serializers
from rest_framework.settings import api_settings

from balancer.api.backend_fields import BackendSerializer
from balancer.api.listeners import ListenerSerializer
from balancer.api.pools import PoolSerializer
from balancer.api.routes import RouteSerializer
from balancer.services.backends import NewBackend
from balancer.services.batch import Act, Operation
from balancer.services.listeners import NewListener
from balancer.services.pools import NewPool
from balancer.services.routes import NewRoute
from tenants.errors import FieldError
from tenants.restkit.problems import MOST_ERRORS
from tenants.restkit.serializers import StrictSerializer


@dataclass(frozen=True, slots=True)
class Form:
    serializer: type[StrictSerializer]

    def operation(self, kind: str, act: str, *, pk: str = "", data: Any = None, ref: str = "") -> Operation:
        """`data` as the resource takes it: whole for an addition, in part for an update."""
        if act == Act.DELETE:
            return Operation(kind, act, id=pk)
        form = self.serializer(data=data if data is not None else {}, partial=act == Act.UPDATE)
        if not form.is_valid():
            return Operation(kind, act, id=pk, ref=ref, errors=tuple(field_errors(form.errors, "/data"))[:MOST_ERRORS])
        return Operation(kind, act, id=pk, ref=ref, values=self.values(kind, form.validated_data, whole=act == Act.ADD))

    def values(self, kind: str, validated: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
        """Fields of the service's `New…`; of a whole one all, with their defaults."""
        found = {("pool" if name == "pool_id" else name): value for name, value in validated.items()}
        if not whole:
            return found
        if kind == "backend":
            pool = found.pop("pool")
            return {**asdict(NewBackend(**found)), "pool": pool}
        made = {"pool": NewPool, "route": NewRoute, "listener": NewListener}[kind]
        return asdict(made(**found))


class LongPool(BackendSerializer):
    """A pool may be named by a reference to an operation before."""

    pool = serializers.CharField(source="pool_id", max_length=100)


class LongPoolListener(ListenerSerializer):
    pool = serializers.CharField(source="pool_id", max_length=100)


class LongPoolRoute(RouteSerializer):
    pool = serializers.CharField(source="pool_id", max_length=100, allow_null=True, default=None)


FORMS = {
    "pool": Form(PoolSerializer), "backend": Form(LongPool), "route": Form(LongPoolRoute),
    "listener": Form(LongPoolListener),
}  # fmt: skip


def field_errors(errors: Any, pointer: str) -> list[FieldError]:
    """What a serializer says, with pointers."""
    if isinstance(errors, Mapping):
        found = []
        for name, below in errors.items():
            where = pointer if name == api_settings.NON_FIELD_ERRORS_KEY else f"{pointer}/{name}"
            found += field_errors(below, where)
        return found
    if isinstance(errors, list):
        return [
            error
            for index, one in enumerate(errors)
            for error in (
                field_errors(one, f"{pointer}/{index}")
                if isinstance(one, Mapping | list)
                else [FieldError(pointer, str(getattr(one, "code", "invalid")), str(one))]
            )
        ]
    return [FieldError(pointer, "invalid", str(errors))]
