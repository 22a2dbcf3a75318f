"""A backend as the API shows and takes it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from balancer.api import drains as drain_fields
from balancer.api import resolution_fields
from balancer.api.changes import ChangeSerializer
from balancer.api.drains import DrainProgressSerializer
from balancer.api.fields import NullableText
from balancer.api.resolution_fields import ResolutionSerializer
from balancer.api.status_fields import OPER, BackendStatusSerializer
from balancer.haproxy.desired import AdminState
from balancer.models import Backend
from balancer.queries.status_json import backend_json
from balancer.services import rules
from balancer.services.batch import MOST
from tenants.restkit.serializers import StrictSerializer


class BackendSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    pool = serializers.CharField(source="pool_id", max_length=12)
    address = serializers.CharField(
        max_length=262,
        help_text="IP:port, like 10.0.0.5:8080 or [2001:db8::5]:8080, or a host name that we look up, like "
        "app.example.com:8080.",
    )
    weight = serializers.IntegerField(default=100, min_value=0, max_value=rules.WEIGHT_MAX)
    admin = serializers.ChoiceField([a.value for a in AdminState], default=AdminState.READY.value)
    backup = serializers.BooleanField(default=False)
    max_connections = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=1_000_000)
    check_port = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=rules.PORT_MAX)
    region = NullableText(max_length=40)
    description = serializers.CharField(default="", allow_blank=True, max_length=500)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=rules.TAGS_MAX)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
    status = serializers.SerializerMethodField()
    resolution = serializers.SerializerMethodField()
    drain = serializers.SerializerMethodField()

    @extend_schema_field(BackendStatusSerializer)
    def get_status(self, backend: Backend) -> dict[str, Any]:
        return backend_json(self.context["view"].seen_of(backend).status)

    @extend_schema_field(ResolutionSerializer(allow_null=True))
    def get_resolution(self, backend: Backend) -> dict[str, Any] | None:
        """Where its name leads; null where it has an address."""
        view = self.context["view"]
        return resolution_fields.shown(view.seen_of(backend), now=view.now)

    @extend_schema_field(DrainProgressSerializer(allow_null=True))
    def get_drain(self, backend: Backend) -> dict[str, Any] | None:
        """How far its drain has come; null unless it drains."""
        view = self.context["view"]
        return drain_fields.shown(view.drains.get(backend.pk), now=view.now)


class PoolBackendSerializer(BackendSerializer):
    """Under a pool the path names it."""

    pool = serializers.CharField(source="pool_id", read_only=True)


class ReplacedBackendSerializer(PoolBackendSerializer):
    """One of all; without `admin`, who is there already stays as it is."""

    admin = serializers.ChoiceField([a.value for a in AdminState], required=False)


class PoolBackendsSerializer(StrictSerializer):
    backends = serializers.ListField(child=ReplacedBackendSerializer(), max_length=MOST)


class HealthEventSerializer(serializers.Serializer[Any]):
    backend = serializers.CharField()
    node = serializers.CharField()
    before = serializers.ChoiceField(OPER)
    after = serializers.ChoiceField(OPER)
    check = serializers.CharField(help_text="HAProxy's word, like L7OK or L4CON.")
    code = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField()
    at = serializers.DateTimeField()


class BackendsDoneSerializer(serializers.Serializer[Any]):
    items = PoolBackendSerializer(many=True)
    change = ChangeSerializer(allow_null=True, help_text="Null: nothing was changed.")


class WeightSerializer(StrictSerializer):
    weight = serializers.IntegerField(min_value=0, max_value=rules.WEIGHT_MAX)
