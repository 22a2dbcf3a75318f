"""Deployments: what each node did with each revision, and what HAProxy said."""

from typing import Any, ClassVar

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from balancer.fleet.models import Deployment, DeploymentState
from balancer.services import revisions, rollbacks
from tenants.restkit.viewsets import TenantView, TenantViewSet
from tenants.roles import Verb


class DeploymentSerializer(Serializer[Deployment]):
    id = serializers.CharField()
    revision = serializers.IntegerField(source="revision.number")
    node = serializers.CharField(source="node.name")
    state = serializers.ChoiceField(DeploymentState.values)
    reason = serializers.CharField()
    words = serializers.CharField(help_text="HAProxy's own.")
    steps = serializers.JSONField()
    queued_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class RetrySerializer(Serializer[Any]):
    revision = serializers.IntegerField(help_text="The tenant's newest.")
    state = serializers.CharField()


class AbortSerializer(RetrySerializer):
    note = serializers.CharField()
    live_on = serializers.ListField(
        child=serializers.CharField(), help_text="Nodes that served what was aborted already; it is taken back there."
    )
    objects_changed = serializers.IntegerField()


class DeploymentFilter(filters.FilterSet):
    node = filters.CharFilter(field_name="node__name")
    revision = filters.NumberFilter(field_name="revision__number")

    class Meta:
        model = Deployment
        fields = ("state",)


class DeploymentViewSet(TenantViewSet):
    """One attempt to bring a node to a revision."""

    queryset = Deployment.objects.select_related("revision", "node")
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilter
    ordering_fields = ("queued_at", "finished_at", "state")
    verbs: ClassVar[dict[str, Verb]] = {**TenantView.verbs, "retry": Verb.DEPLOY, "abort": Verb.DEPLOY}

    @extend_schema(request=None, responses={202: RetrySerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, **_: Any) -> Response:
        """Ask the nodes again to take the tenant's newest revision."""
        revision = revisions.retry(self.get_object(), by=self.actor, now=timezone.now())
        return Response({"revision": revision.number, "state": "deploying"}, status=202)

    @extend_schema(request=None, responses={202: AbortSerializer})
    @action(detail=True, methods=["post"])
    def abort(self, request: Request, **_: Any) -> Response:
        """Withdraw what not every node serves yet: back to the last revision that was served, as a new one."""
        done = rollbacks.abort(self.get_object(), by=self.actor, now=timezone.now())
        body = {
            "revision": done.revision.number,
            "state": "deploying",
            "note": done.revision.note,
            "live_on": list(done.live_on),
            "objects_changed": done.objects,
        }
        return Response(body, status=202)
