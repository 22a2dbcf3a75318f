"""What is observed of a backend, as the API shows it. Read-only; every value has its age."""

from typing import Any

from rest_framework import serializers

from balancer.haproxy.desired import AdminState
from balancer.queries.observed import BackendStatus, Fresh, Oper


class LastCheckSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(source="check", help_text="HAProxy's word, like L7OK or L4CON.")
    status = serializers.IntegerField(source="code", allow_null=True, help_text="The HTTP status it was answered.")
    detail = serializers.CharField()
    duration = serializers.SerializerMethodField()
    at = serializers.FloatField(help_text="Seconds since 1970.")

    def get_duration(self, check: Any) -> str | None:
        return None if check.duration_ms is None else f"{check.duration_ms}ms"


class OnNodeSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    oper = serializers.ChoiceField([o.value for o in Oper])
    admin = serializers.ChoiceField([*[a.value for a in AdminState], "unknown"])
    age = serializers.FloatField(allow_null=True, help_text="Seconds since the node last spoke.")


class BackendStatusSerializer(serializers.Serializer[BackendStatus]):
    oper = serializers.ChoiceField([o.value for o in Oper])
    fresh = serializers.ChoiceField([f.value for f in Fresh])
    since = serializers.FloatField(allow_null=True, help_text="Seconds since 1970.")
    age = serializers.FloatField(allow_null=True)
    last_check = LastCheckSerializer(allow_null=True)
    sessions = serializers.IntegerField()
    rate = serializers.IntegerField(help_text="Sessions a second.")
    nodes = OnNodeSerializer(many=True)
