"""Revisions: what was deployed, by whom, what differs, and the way back."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.changes import ChangeSerializer, ChangeView
from balancer.api.differences import DifferenceSerializer
from balancer.fleet.models import Revision
from balancer.haproxy import shown
from balancer.queries import changes, history
from balancer.services import rollbacks
from tenants.errors import InvalidField
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.restkit.viewsets import TenantView, TenantViewSet
from tenants.roles import Verb


class RevisionSerializer(serializers.Serializer[Revision]):
    id = serializers.CharField()
    number = serializers.IntegerField()
    author = serializers.SerializerMethodField(help_text="Null: the platform itself.")
    note = serializers.CharField()
    digest = serializers.CharField(help_text="Equal digests, equal traffic.")
    created_at = serializers.DateTimeField()

    def get_author(self, revision: Revision) -> str | None:
        return revision.by.email if revision.by else None


class ComparedSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    against = serializers.IntegerField(allow_null=True)
    objects = DifferenceSerializer(many=True)
    objects_known = serializers.BooleanField(help_text="False: one of the two is from before objects were kept.")
    rendered = serializers.CharField(help_text="A unified diff of the tenant's own part of the configuration.")


class RollbackSerializer(StrictSerializer):
    note = LineField(default="", allow_blank=True, max_length=500)


class RolledBackSerializer(RevisionSerializer):
    objects_changed = serializers.IntegerField()
    changes_gone = serializers.IntegerField(help_text="How many changes waited, and are undone with it.")
    change = ChangeSerializer()


class RevisionFilter(filters.FilterSet):
    author = filters.CharFilter(field_name="by__email")

    class Meta:
        model = Revision
        fields = ("number", "digest", "note")


class RevisionViewSet(ChangeView, TenantViewSet):
    """A tenant's desired state, numbered; it never changes."""

    queryset = Revision.objects.select_related("by").defer("state")
    serializer_class = RevisionSerializer
    filterset_class = RevisionFilter
    search_fields = ("note", "by__email")
    ordering_fields = ("number", "created_at")
    lookup_field = "number"
    lookup_url_kwarg = "pk"
    lookup_value_regex = r"[0-9]{1,9}|[a-z2-7]{12}"  # an id finds nothing: a revision goes by its number
    verbs: ClassVar[dict[str, Verb]] = {
        **TenantView.verbs, "diff": Verb.VIEW, "config": Verb.VIEW, "rollback": Verb.DEPLOY,
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[Revision]:
        return super().get_queryset().filter(tenant=self.tenant)

    @property
    def number(self) -> int:
        pk = self.kwargs["pk"]
        return int(pk) if pk.isdecimal() else 0

    def get_object(self) -> Revision:
        return history.revision(self.tenant.pk, self.number)

    @extend_schema(parameters=[OpenApiParameter("against", int)], responses=ComparedSerializer)
    @action(detail=True)
    def diff(self, request: Request, **_: Any) -> Response:
        """Show what differs from the revision before it, or from the one that `against` names."""
        against = request.query_params.get("against")
        if against is not None and not (against.isdecimal() and len(against) < 10):
            raise InvalidField("against", "Name a revision by its number.")
        found = history.compared(self.tenant.pk, self.number, int(against) if against else None)
        body = {
            "revision": found.after,
            "against": found.before,
            "objects": found.objects,
            "objects_known": found.objects_known,
            "rendered": found.text,
        }
        return Response(ComparedSerializer(body).data)

    @extend_schema(responses={(200, "text/plain"): str})
    @action(detail=True)
    def config(self, request: Request, **_: Any) -> HttpResponse:
        """Show the tenant's own part as HAProxy reads it: no secrets, no paths."""
        text = shown.own_part(history.state_of(self.get_object()))
        return HttpResponse(text, content_type="text/plain; charset=utf-8")

    @extend_schema(request=RollbackSerializer, responses={200: RolledBackSerializer})
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, **_: Any) -> Response:
        """Bring back every object as it was in this revision, as a new revision, served at once."""
        form = RollbackSerializer(data=request.data or {})
        form.is_valid(raise_exception=True)
        done = rollbacks.rollback(
            self.tenant.pk, self.number, by=self.actor, now=self.now, note=form.validated_data["note"]
        )
        return self.answer(
            done.revision,
            objects_changed=done.objects,
            changes_gone=done.gone,
            change=self.awaited(lambda: changes.of_revision(self.tenant.pk, done.revision.number)),
        )
