"""/api/domains: what a tenant says is its own, and the proof."""

from typing import Any, ClassVar

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.fleet.models import DomainProof, ProofMethod
from balancer.services import domains
from tenants.restkit.serializers import StrictSerializer
from tenants.restkit.viewsets import TenantView, TenantViewSet
from tenants.roles import Verb

STATES = ("pending", "verified", "failing")


class RecordSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(source="record_name")
    type = serializers.CharField(default="TXT")
    value = serializers.CharField(source="content")


class FileSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    content = serializers.CharField()


class DomainSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    domain = serializers.CharField(max_length=253, help_text="It stands for all names below it too.")
    status = serializers.ChoiceField(STATES, source="state", read_only=True)
    method = serializers.ChoiceField(["", *ProofMethod.values], read_only=True)
    record = RecordSerializer(source="*", read_only=True, help_text="Publish this in DNS, or …")
    file = FileSerializer(source="*", read_only=True, help_text="… this on the domain itself.")
    problem = serializers.CharField(read_only=True, help_text="What was seen at the last look, where it was no proof.")
    created_at = serializers.DateTimeField(read_only=True)
    verified_at = serializers.DateTimeField(read_only=True)
    checked_at = serializers.DateTimeField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True, help_text="When an unproven claim goes.")


class VerifySerializer(StrictSerializer):
    method = serializers.ChoiceField(ProofMethod.choices, required=False, help_text="Without it, both are tried.")


class DomainFilter(filters.FilterSet):
    status = filters.ChoiceFilter(choices=[(one, one) for one in STATES], method="of_status")

    class Meta:
        model = DomainProof
        fields = ("domain", "method")

    def of_status(self, rows: Any, name: str, value: str) -> Any:
        if value == "pending":
            return rows.filter(verified_at=None)
        return rows.exclude(verified_at=None).filter(failing_since__isnull=value == "verified")


class DomainViewSet(TenantViewSet):
    """Domains that a tenant has proven, or is about to prove. Only hosts within a proven one are routed."""

    queryset = DomainProof.objects.all()
    serializer_class = DomainSerializer
    filterset_class = DomainFilter
    search_fields = ("domain",)
    ordering_fields = ("domain", "created_at", "verified_at", "checked_at")
    throttle_class_names: ClassVar[dict[str, str]] = {"verify": "expensive"}  # it asks name and web servers
    verbs: ClassVar[dict[str, Verb]] = {
        **TenantView.verbs,
        **dict.fromkeys(("create", "destroy", "verify"), Verb.SECRETS),
    }

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(tenant=self.tenant)

    def create(self, request: Request, **_: Any) -> Response:
        """Claim a domain: the answer says what to publish. It waits seven days for the proof and blocks nobody."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = domains.add(form.validated_data["domain"], by=self.actor, now=timezone.now())
        return self.answer(made, status=201)

    def destroy(self, request: Request, **_: Any) -> Response:
        """Give a domain up. One that a route needs is a conflict."""
        domains.remove(self.get_object(), by=self.actor, now=timezone.now())
        return Response(status=204)

    @extend_schema(request=VerifySerializer, responses=DomainSerializer)
    @action(detail=True, methods=["post"])
    def verify(self, request: Request, **_: Any) -> Response:
        """Look for the proof now."""
        form = VerifySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        method = form.validated_data.get("method", "")
        return self.answer(domains.verify(self.get_object(), by=self.actor, now=timezone.now(), method=method))
