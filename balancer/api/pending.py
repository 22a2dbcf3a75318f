"""Changes that wait: list, preview, deploy, discard; and whether a tenant's changes wait at all."""

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.changes import ChangeSerializer, ChangeView
from balancer.api.differences import DifferenceSerializer, ImpactSerializer, impact_json
from balancer.api.revisions import RevisionSerializer
from balancer.fleet.models import Deploy, Edit
from balancer.haproxy import shown
from balancer.queries import changes, history, impact, objects
from balancer.services import edits, revisions, staging
from tenants.restkit import etags
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.restkit.viewsets import TenantView, TenantViewSet
from tenants.roles import Verb

MOST = 1000


class PendingSerializer(serializers.Serializer[Edit]):
    id = serializers.CharField()
    author = serializers.SerializerMethodField()
    act = serializers.CharField()
    kind = serializers.CharField()
    object = serializers.CharField(source="object_id")
    name = serializers.CharField()
    before = serializers.SerializerMethodField()
    after = serializers.SerializerMethodField()
    staged = serializers.BooleanField(help_text="It waits until somebody deploys it.")
    at = serializers.DateTimeField()

    def get_author(self, edit: Edit) -> str | None:
        return edit.by.email if edit.by else None

    def get_before(self, edit: Edit) -> dict[str, Any]:
        return objects.without_secrets(edit.kind, edit.before)

    def get_after(self, edit: Edit) -> dict[str, Any]:
        return objects.without_secrets(edit.kind, edit.after)


class ChosenSerializer(StrictSerializer):
    edits = serializers.ListField(
        child=serializers.CharField(max_length=20), max_length=MOST, default=None, allow_null=True,
        help_text="Ids of changes; null: all that wait.",
    )  # fmt: skip


class DeploySerializer(ChosenSerializer):
    note = LineField(default="", allow_blank=True, max_length=500)
    canary = serializers.BooleanField(
        default=None, allow_null=True, help_text="One node tries it first; null: as the tenant has set it."
    )


class PreviewSerializer(serializers.Serializer[Any]):
    objects = DifferenceSerializer(many=True)
    rendered = serializers.CharField()
    impact = ImpactSerializer()


class DeployedSerializer(RevisionSerializer):
    change = ChangeSerializer()


class DiscardedSerializer(serializers.Serializer[Any]):
    changes = serializers.IntegerField()
    objects = serializers.IntegerField()


class DeliverySerializer(StrictSerializer):
    deploy = serializers.ChoiceField(
        Deploy.values, default=Deploy.AUTOMATIC.value, help_text="Staged: changes wait until somebody deploys them."
    )
    canary = serializers.BooleanField(default=False, help_text="One node tries every revision first.")
    canary_seconds = serializers.IntegerField(default=30, min_value=5, max_value=600)
    waiting = serializers.IntegerField(read_only=True)


class PendingFilter(filters.FilterSet):
    author = filters.CharFilter(field_name="by__email")
    object = filters.CharFilter(field_name="object_id")

    class Meta:
        model = Edit
        fields = ("act", "kind", "name", "staged")


class PendingViewSet(ChangeView, TenantViewSet):
    """What is saved and not in a revision yet."""

    queryset = Edit.objects.filter(revision=None).select_related("by")
    serializer_class = PendingSerializer
    filterset_class = PendingFilter
    search_fields = ("name",)
    ordering_fields = ("id", "at")
    lookup_value_regex = "[0-9]{1,18}|[a-z2-7]{12}"
    verbs: ClassVar[dict[str, Verb]] = {
        **TenantView.verbs, "preview": Verb.VIEW, "deploy": Verb.DEPLOY, "discard": Verb.DEPLOY,
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[Edit]:
        mine = super().get_queryset().filter(tenant=self.tenant)
        pk = self.kwargs.get("pk")
        return mine.none() if pk is not None and not pk.isdecimal() else mine

    @extend_schema(request=ChosenSerializer, responses={200: PreviewSerializer})
    @action(detail=False, methods=["post"])
    def preview(self, request: Request, **_: Any) -> Response:
        """Show what deploying them would change and what it would take. Changes nothing."""
        chosen = self.sent(ChosenSerializer)["edits"]
        document, state = staging.previewed(self.tenant, chosen, now=self.now)
        before = revisions.last_objects(self.tenant.pk)
        number, last = history.newest_state(self.tenant.pk)
        body = {
            "objects": objects.differences(before, document),
            "rendered": shown.text_difference(last, state, names=(f"r{number}" if number else "nothing", "preview")),
            "impact": impact_json(impact.of(self.tenant.pk, state)),
        }
        return Response(PreviewSerializer(body).data)

    @extend_schema(request=DeploySerializer, responses={200: DeployedSerializer})
    @action(detail=False, methods=["post"])
    def deploy(self, request: Request, **_: Any) -> Response:
        """Make a revision of all that waits, or of those named, and bring it to the nodes."""
        sent = self.sent(DeploySerializer)
        made = staging.deploy(
            self.tenant.pk, sent["edits"], by=self.actor, now=self.now, note=sent["note"], canary=sent["canary"]
        )
        change = self.awaited(lambda: changes.of_revision(self.tenant.pk, made.number))
        return Response({**RevisionSerializer(made).data, "change": change})

    @extend_schema(request=None, responses={200: DiscardedSerializer})
    @action(detail=False, methods=["post"])
    def discard(self, request: Request, **_: Any) -> Response:
        """Take back all that waits: every object is again as the newest revision has it."""
        done = staging.discard(self.tenant.pk, by=self.actor, now=self.now)
        return Response({"changes": done.edits, "objects": done.objects})

    def sent(self, form: type[StrictSerializer]) -> dict[str, Any]:
        given = form(data=self.request.data or {})
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)


class DeliveryViewSet(ChangeView):
    """Whether changes go out by themselves, and whether one node tries them first."""

    queryset = Edit.objects.none()
    serializer_class = DeliverySerializer
    pagination_class = None
    filter_backends = ()
    verbs: ClassVar[dict[str, Verb]] = {"show": Verb.VIEW, "replace": Verb.DEPLOY, "metadata": Verb.VIEW}

    @extend_schema(responses=DeliverySerializer)
    def show(self, request: Request, **_: Any) -> Response:
        """Show how this tenant's changes go out."""
        return self.shown(staging.delivery_of(self.tenant.pk))

    @extend_schema(request=DeliverySerializer, responses=DeliverySerializer)
    def replace(self, request: Request, **_: Any) -> Response:
        """Set how changes go out. Refused while changes wait and are to wait no more."""
        values = self.form(request.data)
        with transaction.atomic():
            edits.hold_tenant()
            etags.check(request, staging.delivery_of(self.tenant.pk))
            return self.shown(staging.set_delivery(values, by=self.actor, now=self.now))

    def shown(self, delivery: Any) -> Response:
        waiting = len(staging.pending(self.tenant.pk))
        content = {**DeliverySerializer(delivery).data, "waiting": waiting}
        tag = etags.etag_of(delivery)
        return Response(content, headers={"ETag": tag} if tag else None)
