"""Where a node fetches its key: by the one-time key that staff were shown, and nothing else."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from balancer.services import node_keys
from tenants.restkit import access
from tenants.restkit.serializers import StrictSerializer


class OneTimeKeySerializer(StrictSerializer):
    key = serializers.CharField(max_length=100, help_text="The one-time key of the command.")

    nodes = serializers.ListField(
        child=serializers.CharField(max_length=12),
        default=list,
        max_length=20,
        help_text="Ids of the nodes where it is used: for another one's nothing is used up.",
    )


class FetchedSerializer(StrictSerializer):
    id = serializers.CharField()
    name = serializers.CharField()
    cluster = serializers.CharField()
    key = serializers.CharField(help_text="What it signs with from now on. Known here this once.")
    broker_url = serializers.CharField(help_text="Redis, by a user that sees only what is the node's.")


class NodeJoin(APIView):
    """Public: the key is the credential. No answer of it is kept anywhere, so no `Idempotency-Key`."""

    permission_classes = (AllowAny,)
    authentication_classes: tuple[Any, ...] = ()
    throttle_class_name = "auth"

    @extend_schema(request=OneTimeKeySerializer, responses=FetchedSerializer, auth=[])
    def post(self, request: Request, **_: Any) -> Response:
        """Give a node its first key, or its next one. The one-time key is used up by it."""
        sent = OneTimeKeySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked, address = sent.validated_data, access.address_of(request._request)
        fetched = node_keys.fetch(asked["key"], here=asked["nodes"], address=address, now=timezone.now())
        node = fetched.node
        content = {
            "id": node.pk,
            "name": node.name,
            "cluster": node.cluster.name,
            "key": fetched.key,
            "broker_url": fetched.broker_url,
        }
        return Response(content, headers={"Cache-Control": "no-store"})
