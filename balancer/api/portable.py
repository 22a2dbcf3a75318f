"""A configuration to take along: written from the rows by each resource's own serializer, and read back by it.

No ids, no times, no secrets; the same rows make the same text.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from rest_framework import serializers

from balancer.api.documents import FORMAT
from balancer.api.operations import FORMS
from balancer.api.protection import RateLimitSerializer, SecurityHeadersSerializer
from balancer.models import Backend, Listener, Pool, Route
from balancer.queries import protection
from balancer.queries.objects import HIDDEN
from balancer.services.batch_work import names_pool
from tenants.models import Tenant
from tenants.restkit.serializers import StrictSerializer


@dataclass(frozen=True, slots=True)
class Part:
    """What a tenant has one of."""

    serializer: type[StrictSerializer]
    current: Callable[[], Any]

    def write(self) -> dict[str, Any]:
        return writer(self.serializer)(self.current())


PROTECTION = {
    "rate_limit": Part(RateLimitSerializer, protection.rate_limit),
    "security_headers": Part(SecurityHeadersSerializer, protection.security_headers),
}
# What a check sends to prove itself to an origin is a secret, whatever it is called.
SECRET = (("health_check", "headers"),)


def written(tenant: Tenant) -> dict[str, Any]:
    """In the tenant's scope; six queries."""
    pools = list(Pool.objects.order_by("name", "pk"))
    backends: dict[str, list[Backend]] = {pool.pk: [] for pool in pools}
    for backend in Backend.objects.order_by("ip", "host", "port", "pk"):
        backends[backend.pool_id].append(backend)
    names = {pool.pk: pool.name for pool in pools}
    write = {kind: writer(form.serializer) for kind, form in FORMS.items()}
    ways = Listener.objects.order_by("kind", "port", "host", "pk")
    return {
        "format": FORMAT,
        "tenant": {"slug": tenant.slug, "name": tenant.name},
        "pools": [
            {
                **named(without_secrets(write["pool"](pool)), names),
                "backends": [left_out(write["backend"](one), "pool") for one in backends[pool.pk]],
            }
            for pool in pools
        ],
        "routes": sorted((named(write["route"](one), names) for one in Route.objects.order_by("pk")), key=canonical),
        "listeners": [named(write["listener"](one), names) for one in ways],
        "protection": {name: one.write() for name, one in PROTECTION.items()},
    }


def writer(kind: type[StrictSerializer]) -> Callable[[Any], dict[str, Any]]:
    serializer = writable(kind())
    return lambda thing: plain(serializer.to_representation(thing))


def writable(serializer: Any) -> Any:
    """Only what may be sent: ids, times and what is observed are not part of a configuration."""
    for name, field in list(serializer.fields.items()):
        if field.read_only:
            serializer.fields.pop(name)
        elif isinstance(field, serializers.Serializer):
            writable(field)
    return serializer


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): plain(below) for name, below in value.items()}
    return [plain(below) for below in value] if isinstance(value, list | tuple) else value


def canonical(value: Any) -> str:
    """Routes by host and path first, as their fields stand."""
    return json.dumps([value.get("host"), value.get("path_prefix"), value], sort_keys=True)


def left_out(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: below for key, below in value.items() if key != name}


def named(value: Any, names: Mapping[str, str], field: str = "") -> Any:
    """Ids of pools → what `names` says, wherever a field names one."""
    if isinstance(value, dict):
        return {name: named(below, names, name) for name, below in value.items()}
    if isinstance(value, list):
        return [named(below, names, field) for below in value]
    return names.get(value, value) if isinstance(value, str) and names_pool(field) else value


def without_secrets(value: dict[str, Any]) -> dict[str, Any]:
    for outer, inner in SECRET:
        if value.get(outer, {}).get(inner):
            value[outer] = {**value[outer], inner: dict.fromkeys(value[outer][inner], HIDDEN)}
    return value


def as_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120)
