"""What is observed of a backend, as the OpenAPI document describes it; `queries.status_json` writes it."""

from typing import Any

from rest_framework import serializers

from balancer.haproxy.desired import AdminState
from balancer.queries.observed import Fresh, Oper

OPER = [oper.value for oper in Oper]
ADMIN = [*[admin.value for admin in AdminState], "unknown"]
FRESH = [fresh.value for fresh in Fresh]


class LastCheckSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="HAProxy's word, like L7OK or L4CON.")
    status = serializers.IntegerField(allow_null=True, help_text="The HTTP status that answered.")
    detail = serializers.CharField()
    duration = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField()


class OnNodeSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    oper = serializers.ChoiceField(OPER)
    admin = serializers.ChoiceField(ADMIN)
    fresh = serializers.ChoiceField(FRESH)
    sessions = serializers.IntegerField()
    age = serializers.CharField(allow_null=True, help_text="Since the node last spoke.")


class CountedSerializer(serializers.Serializer[Any]):
    """Counters are since each node's worker began to look; rates a second."""

    fresh = serializers.ChoiceField(FRESH)
    age = serializers.CharField(allow_null=True, help_text="Since the node last spoke; of several, the oldest.")
    sessions = serializers.IntegerField(allow_null=True, help_text="Connections that are open.")
    rate = serializers.IntegerField(allow_null=True, help_text="New connections a second.")
    in_rate = serializers.IntegerField(allow_null=True, help_text="Bytes from clients a second.")
    out_rate = serializers.IntegerField(allow_null=True, help_text="Bytes to clients a second.")
    connections = serializers.IntegerField(allow_null=True, help_text="Since they are counted.")
    bytes_in = serializers.IntegerField(allow_null=True)
    bytes_out = serializers.IntegerField(allow_null=True)


class ListenedOnSerializer(CountedSerializer):
    node = serializers.CharField()


class ListenerStatusSerializer(CountedSerializer):
    nodes = ListenedOnSerializer(many=True, help_text="Null where a node has not spoken of it.")


class BackendStatusSerializer(serializers.Serializer[Any]):
    oper = serializers.ChoiceField(OPER)
    fresh = serializers.ChoiceField(FRESH)
    since = serializers.DateTimeField(allow_null=True)
    age = serializers.CharField(allow_null=True)
    last_check = LastCheckSerializer(allow_null=True)
    sessions = serializers.IntegerField()
    rate = serializers.IntegerField(help_text="Sessions a second.")
    queue = serializers.IntegerField()
    nodes = OnNodeSerializer(many=True)
