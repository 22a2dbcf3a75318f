"""The parts of a route, as the API writes them. What each may hold is the service's to say (`haproxy.read_routing`)."""

from typing import Any

from rest_framework import serializers

from balancer.api.fields import SecondsField, written
from balancer.haproxy.routing import (
    CACHE_OBJECT_MAX,
    CACHE_OBJECT_MIN,
    CACHE_TTL_MAX_S,
    MANY_LISTED,
    MANY_SHARES,
    REDIRECTS,
    Act,
    Edit,
    On,
    Op,
)
from balancer.haproxy.text import BODY_MAX, NAME_MAX, VALUE_MAX
from tenants.restkit.serializers import StrictSerializer

CACHE = (
    "Keep answers on each node, each for itself: 200s to GET that are not private, set no cookie, and vary by nothing "
    "but Accept-Encoding or Referer. Requests with Authorization, a body, Range or (unless asked for) Cookie go to the "
    "pool. Every answer says `X-Cache: hit`, `miss` or `pass`."
)
BODY_LIMIT = (
    "In bytes; beyond it 413. A body that does not say its length (chunked) is counted up to 12,000 bytes, and refused "
    "beyond that."
)


class Part(StrictSerializer):
    """Kept as it was sent, without the defaults of what was left out: the service says it in one spelling."""

    def to_internal_value(self, data: Any) -> Any:
        return dict(super().to_internal_value(data))

    def to_representation(self, instance: Any) -> Any:
        return dict(instance)


def text(most: int = VALUE_MAX, **options: Any) -> serializers.CharField:
    return serializers.CharField(
        max_length=most, required=False, allow_null=True, allow_blank=True, trim_whitespace=False, **options
    )


class ConditionSerializer(Part):
    type = serializers.ChoiceField([each.value for each in On])
    name = text(NAME_MAX)
    op = serializers.ChoiceField([each.value for each in Op], required=False, help_text="`equals` where left out.")
    value = text(help_text="Compared as it stands in the request. Methods and networks: a list, comma separated.")
    negate = serializers.BooleanField(required=False)


class ShareSerializer(Part):
    pool = serializers.CharField(max_length=12)
    weight = serializers.IntegerField(min_value=0, max_value=100)


class ActionSerializer(Part):
    type = serializers.ChoiceField([each.value for each in Act])
    pools = serializers.ListField(child=ShareSerializer(), required=False, max_length=MANY_SHARES)
    url = text(help_text="Of a redirect: said as written.")
    prefix = text(help_text="Of a redirect: before the request's own path and query.")
    code = serializers.ChoiceField(list(REDIRECTS), required=False, help_text="302 where left out.")
    status = serializers.IntegerField(min_value=200, max_value=599, required=False)
    content_type = text(100)
    body = text(BODY_MAX, help_text=f"{BODY_MAX} bytes at most.")


class RewriteSerializer(Part):
    prefix = text(help_text="Stands for the route's own prefix.")
    regex = text(256, help_text="What it finds in the path becomes `replacement`.")
    replacement = text(help_text="A path, in which \\1 to \\9 are what the groups found.")
    host = text(253, help_text="What the backend is asked for.")


class HeaderSerializer(Part):
    action = serializers.ChoiceField([each.value for each in Edit])
    name = serializers.CharField(max_length=NAME_MAX)
    value = text()


def words(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(max_length=255), max_length=MANY_LISTED, **options)


class CorsSerializer(Part):
    origins = words(help_text="As browsers say them, or * alone.")
    methods = words(required=False)
    headers = words(required=False)
    exposed = words(required=False)
    credentials = serializers.BooleanField(required=False)
    max_age = SecondsField(source="max_age_s", required=False, help_text="How long browsers remember it.")

    def to_representation(self, instance: Any) -> Any:
        return _with_seconds(instance, "max_age")


class CacheSerializer(Part):
    ttl = SecondsField(
        source="ttl_s",
        least=1000,
        most=CACHE_TTL_MAX_S * 1000,
        help_text="At most; what the answer itself allows counts, if less.",
    )
    max_object = serializers.IntegerField(
        min_value=CACHE_OBJECT_MIN, max_value=CACHE_OBJECT_MAX, required=False, help_text="Bytes, head and all; 65536."
    )
    cookies = serializers.BooleanField(
        required=False, help_text="Requests with cookies too: all of them get one and the same answer."
    )

    def to_representation(self, instance: Any) -> Any:
        return _with_seconds(instance, "ttl")


class MaintenanceSerializer(Part):
    body = serializers.CharField(max_length=BODY_MAX, trim_whitespace=False)
    content_type = text(100)
    retry_after = SecondsField(source="retry_after_s", required=False)

    def to_representation(self, instance: Any) -> Any:
        return _with_seconds(instance, "retry_after")


def _with_seconds(stored: Any, name: str) -> dict[str, Any]:
    told = dict(stored)
    seconds = told.pop(f"{name}_s")
    return {**told, name: written(seconds * 1000)}
