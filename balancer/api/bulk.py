"""Many changes in one call: one transaction, one revision, one reload at most."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.changes import ChangeSerializer, ChangeView
from balancer.api.operations import FORMS
from balancer.fleet.models import Edit
from balancer.services import batch
from balancer.services.batch import MOST, Act, BatchRefused, Operation, Result
from tenants.errors import FieldError
from tenants.restkit.schema import Schema
from tenants.restkit.serializers import StrictSerializer
from tenants.roles import Verb

STATUSES = ("created", "updated", "unchanged", "deleted", "failed", "not_done")


class OperationSerializer(StrictSerializer):
    action = serializers.ChoiceField([Act.ADD, Act.UPDATE, Act.DELETE])
    id = serializers.CharField(default="", max_length=100, help_text="Of an update or a deletion.")
    data = serializers.DictField(default=None, allow_null=True)  # type: ignore[assignment]
    ref = serializers.RegexField(
        r"^[A-Za-z0-9_.-]{1,80}$",
        default="",
        help_text="What it adds may be named `ref:<this>` by operations after it.",
    )


class KindOperationSerializer(OperationSerializer):
    kind = serializers.ChoiceField(list(FORMS))


class BulkSerializer(StrictSerializer):
    operations = OperationSerializer(many=True, allow_empty=False, max_length=MOST)  # type: ignore[call-arg]
    atomic = serializers.BooleanField(default=True, help_text="All or nothing; false: what fails is left out.")
    dry_run = serializers.BooleanField(default=False, help_text="Check everything, keep nothing.")


class KindBulkSerializer(BulkSerializer):
    operations = KindOperationSerializer(many=True, allow_empty=False, max_length=MOST)  # type: ignore[call-arg]


class ErrorSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ResultSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(STATUSES)
    id = serializers.CharField(allow_null=True)
    errors = ErrorSerializer(many=True)  # type: ignore[assignment]


class BulkDoneSerializer(serializers.Serializer[Any]):
    results = ResultSerializer(many=True)
    dry_run = serializers.BooleanField()
    change = ChangeSerializer(allow_null=True, help_text="Null: nothing was changed.")


class BulkViewSet(ChangeView):
    """Pools come first, then backends, routes and listeners; within one kind, the order of the call."""

    queryset = Edit.objects.none()
    serializer_class = BulkSerializer
    pagination_class = None
    filter_backends = ()
    schema = Schema()  # the change stands in the body already
    throttle_class_name = "expensive"
    verbs: ClassVar[dict[str, Verb]] = {
        **dict.fromkeys(("create", "pools", "backends", "routes", "metadata"), Verb.EDIT), "listeners": Verb.SECRETS,
    }  # fmt: skip

    @extend_schema(request=KindBulkSerializer, responses={200: BulkDoneSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Add, change and delete pools, backends, routes and listeners together. Of listeners: admins and owners."""
        return self.run(KindBulkSerializer, "")

    @extend_schema(request=BulkSerializer, responses={200: BulkDoneSerializer})
    @action(detail=False, methods=["post"])
    def pools(self, request: Request, **_: Any) -> Response:
        """Add, change and delete pools."""
        return self.run(BulkSerializer, "pool")

    @extend_schema(request=BulkSerializer, responses={200: BulkDoneSerializer})
    @action(detail=False, methods=["post"])
    def backends(self, request: Request, **_: Any) -> Response:
        """Add, change and delete backends."""
        return self.run(BulkSerializer, "backend")

    @extend_schema(request=BulkSerializer, responses={200: BulkDoneSerializer})
    @action(detail=False, methods=["post"])
    def routes(self, request: Request, **_: Any) -> Response:
        """Add, change and delete routes."""
        return self.run(BulkSerializer, "route")

    @extend_schema(request=BulkSerializer, responses={200: BulkDoneSerializer})
    @action(detail=False, methods=["post"])
    def listeners(self, request: Request, **_: Any) -> Response:
        """Add, change and delete listeners."""
        return self.run(BulkSerializer, "listener")

    def run(self, serializer: type[StrictSerializer], kind: str) -> Response:
        form = serializer(data=self.request.data)
        form.is_valid(raise_exception=True)
        sent = form.validated_data
        operations = [operation(one, kind or one["kind"]) for one in sent["operations"]]
        if any(one.kind == "listener" for one in operations):
            self.require(Verb.SECRETS)
        try:
            done = batch.run(operations, by=self.actor, now=self.now, atomic=sent["atomic"], dry_run=sent["dry_run"])
        except BatchRefused as refused:
            refused.extra = {"results": [result_json(one) for one in refused.results]}
            raise
        change = self.change(done.edits[-1]) if done.edits and not sent["dry_run"] else None
        results = [result_json(one) for one in done.results]
        if sent["dry_run"]:
            for one, result in zip(results, done.results, strict=True):
                one["id"] = None if result.status == "created" else result.id
        return Response({"results": results, "dry_run": sent["dry_run"], "change": change})


def operation(sent: dict[str, Any], kind: str) -> Operation:
    act = sent["action"]
    if act != Act.ADD and not sent["id"]:
        return Operation(kind, act, errors=(FieldError("/id", "required", "Name the object by its id."),))
    return FORMS[kind].operation(kind, act, pk="" if act == Act.ADD else sent["id"], data=sent["data"], ref=sent["ref"])


def result_json(result: Result) -> dict[str, Any]:
    errors = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in result.errors]
    return {"index": result.index, "status": result.status, "id": result.id, "errors": errors}
