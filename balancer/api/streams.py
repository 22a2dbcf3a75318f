"""/api/ws/control and /api/ws/force-update: what a person's own sockets of one topic are sent."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.broadcast import Topic
from balancer.services import streams
from tenants.models import Tenant
from tenants.restkit.serializers import StrictSerializer
from tenants.restkit.viewsets import TenantView
from tenants.roles import Verb

NAMES = [topic.value for topic in streams.TOPICS]
ONE_OR_ALL = "One of the streams; null: all of them."


class ControlSerializer(StrictSerializer):
    action = serializers.ChoiceField(["pause", "resume"], write_only=True)
    type = serializers.ChoiceField(NAMES, default=None, allow_null=True, write_only=True, help_text=ONE_OR_ALL)
    paused = serializers.ListField(
        child=serializers.ChoiceField(NAMES), read_only=True, help_text="For a day at most, unless paused again."
    )


class ForceSerializer(StrictSerializer):
    type = serializers.ChoiceField(NAMES, default=None, allow_null=True, write_only=True, help_text=ONE_OR_ALL)
    nodes = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Those that were asked to read now, by name."
    )


class StreamView(TenantView):
    """Any role may: nothing of the tenant's is changed, and nobody else's sockets are meant."""

    verbs: ClassVar[dict[str, Verb]] = {**TenantView.verbs, "create": Verb.VIEW}
    queryset = Tenant.objects.none()
    pagination_class = None
    filter_backends = ()

    def topics(self, named: str | None) -> tuple[Topic, ...]:
        return streams.TOPICS if named is None else (Topic(named),)


class ControlViewSet(StreamView):
    serializer_class = ControlSerializer

    @extend_schema(responses=ControlSerializer)
    def list(self, request: Request, **_: Any) -> Response:
        """Which of your streams are paused."""
        return Response({"paused": streams.paused(self.tenant.pk, str(request.user.pk))})

    @extend_schema(responses=ControlSerializer)
    def create(self, request: Request, **_: Any) -> Response:
        """Pause or go on with your own streams of this tenant: the open ones and those that you open later. Gone on
        with, each gets what changed meanwhile as one delta."""
        sent = self.get_serializer(data=request.data)
        sent.is_valid(raise_exception=True)
        act = streams.pause if sent.validated_data["action"] == "pause" else streams.resume
        now = act(self.tenant.pk, str(request.user.pk), self.topics(sent.validated_data["type"]))
        return Response({"paused": now})


class ForceViewSet(StreamView):
    serializer_class = ForceSerializer
    throttle_class_name = "expensive"

    @extend_schema(responses={202: ForceSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Have the nodes read now; within a second each of your streams gets a snapshot with `"forced": true`, paused
        ones too."""
        sent = self.get_serializer(data=request.data)
        sent.is_valid(raise_exception=True)
        topics = self.topics(sent.validated_data["type"])
        names = streams.force(self.tenant, str(request.user.pk), topics, now=timezone.now())
        return Response({"nodes": names}, status=status.HTTP_202_ACCEPTED)
