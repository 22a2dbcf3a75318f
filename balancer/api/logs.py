"""/api/logs: the tenant's newest access lines."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from balancer.queries import logs
from balancer.queries.logs import Wanted
from tenants.restkit.viewsets import TenantView
from tenants.roles import Verb

MOST = 500
CURSOR = r"\d{1,15}-\d{1,10}\Z"


class WantedSerializer(serializers.Serializer[Any]):
    """What may be asked for, each optional."""

    status = serializers.IntegerField(required=False, min_value=100, max_value=599)
    status_class = serializers.ChoiceField(["1xx", "2xx", "3xx", "4xx", "5xx"], required=False)
    host = serializers.CharField(required=False, max_length=253)
    path = serializers.CharField(required=False, max_length=255, help_text="A path's beginning.")
    method = serializers.CharField(required=False, max_length=16)
    id = serializers.UUIDField(required=False, help_text="The request's id, as the origin got it in X-Request-Id.")
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    before = serializers.RegexField(CURSOR, required=False, help_text="A cursor: `next` carries it.")
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=MOST, default=50)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ignored, a mistyped filter would answer with everything."""
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError({name: f"There is no filter “{name}”." for name in unknown})
        return attrs


class LogLineSerializer(serializers.Serializer[Any]):
    """One request. Times are milliseconds, -1 where it did not come to that; `ended` is HAProxy's termination state."""

    id = serializers.CharField(help_text="The one that the origin got in X-Request-Id.")
    at = serializers.DateTimeField()
    method = serializers.CharField()
    host = serializers.CharField()
    path = serializers.CharField(help_text="Without its query, 255 bytes at most.")
    status = serializers.IntegerField()
    bytes = serializers.IntegerField()
    total_ms = serializers.IntegerField()
    queue_ms = serializers.IntegerField()
    connect_ms = serializers.IntegerField()
    response_ms = serializers.IntegerField()
    pool = serializers.CharField(allow_null=True)
    backend = serializers.CharField(allow_null=True)
    node = serializers.CharField()
    ended = serializers.CharField()
    tls = serializers.BooleanField()
    address = serializers.CharField(help_text="Its network alone (/24, /48) for whoever may not manage members.")


class LogPageSerializer(serializers.Serializer[Any]):
    items = LogLineSerializer(many=True)
    page_size = serializers.IntegerField()
    has_more = serializers.BooleanField()
    next = serializers.URLField(allow_null=True)
    left_out = serializers.IntegerField(help_text="How many lines were not kept, while these were.")


class LogViewSet(TenantView):
    """Not rows: the newest lines of a ring, which ends by itself."""

    serializer_class = LogLineSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(parameters=[WantedSerializer], responses=LogPageSerializer)
    def list(self, request: Request, **_: Any) -> Response:
        """List the newest requests, newest first: 2,000 at most, for as long as the plan says.

        Of each tenant a node writes 50 a second; `left_out` counts the others.
        """
        form = WantedSerializer(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        given = form.validated_data
        masked = not self.access.may(Verb.MEMBERS)
        size: int = given["page_size"]
        page = logs.of(self.tenant.key, wanted(given), before=given.get("before", ""), size=size, masked=masked)
        content = {
            "items": page.lines,
            "page_size": size,
            "has_more": bool(page.after),
            "next": replace_query_param(request.build_absolute_uri(), "before", page.after) if page.after else None,
            "left_out": page.left_out,
        }
        return Response(LogPageSerializer(content).data)


def wanted(given: Mapping[str, Any]) -> Wanted:
    return Wanted(
        status=given.get("status", 0),
        status_class=int(given.get("status_class", "0")[0]),
        host=given.get("host", ""),
        path=given.get("path", ""),
        method=given.get("method", "").upper(),
        id=str(given.get("id", "")),
        since=given.get("since"),
        until=given.get("until"),
    )
