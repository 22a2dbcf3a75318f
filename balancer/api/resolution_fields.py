"""What the name of a backend leads to, as the API shows it."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from balancer.api.status_fields import BackendStatusSerializer
from balancer.queries.backend_status import Seen
from balancer.queries.status_json import backend_json, duration


class AddressSerializer(serializers.Serializer[Any]):
    address = serializers.CharField()
    status = BackendStatusSerializer()


class ResolutionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    addresses = AddressSerializer(many=True, help_text="Each is served on its own, with the backend's weight.")
    left_out = serializers.IntegerField(
        help_text="Further addresses: a name has room for 16, and the plan for so many."
    )
    at = serializers.DateTimeField(allow_null=True, help_text="When these addresses were seen last.")
    age = serializers.CharField(allow_null=True)
    error = serializers.CharField(
        allow_null=True, help_text="What is wrong with the name now; the addresses are then the last good ones."
    )
    error_since = serializers.DateTimeField(allow_null=True)


def shown(seen: Seen, *, now: datetime) -> dict[str, Any] | None:
    """None of a backend that goes by an address."""
    found = seen.resolution
    if found is None:
        return None
    body = {
        "name": found.name,
        "addresses": [{"address": at.address, "status": backend_json(status)} for at, status in seen.addresses],
        "left_out": found.left_out,
        "at": found.at,
        "age": duration((now - found.at).total_seconds()) if found.at else None,
        "error": found.error or None,
        "error_since": found.failing_since,
    }
    return dict(ResolutionSerializer(body).data)
