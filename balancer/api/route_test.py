"""What the route tester is asked, and what it says."""

from ipaddress import ip_address
from typing import Any

from rest_framework import serializers

from balancer.api.fields import DurationField
from balancer.haproxy.explain import METHOD, TARGET, Asked, Verdict
from balancer.haproxy.keeping import Because
from balancer.haproxy.running import Oper
from tenants.restkit.serializers import StrictSerializer

HEADERS_MAX = 50


class RouteTestSerializer(StrictSerializer):
    host = serializers.CharField(max_length=255)
    path = serializers.CharField(default="/", max_length=2000, trim_whitespace=False, help_text="With its query.")
    method = serializers.CharField(default="GET", max_length=16)
    headers = serializers.DictField(child=serializers.CharField(max_length=2000, allow_blank=True), default=dict)
    source = serializers.IPAddressField(  # type: ignore[assignment]
        default="203.0.113.9", help_text="The client's address."
    )
    scheme = serializers.ChoiceField(["http", "https"], default="http")

    def validate_path(self, value: str) -> str:
        if not TARGET.fullmatch(value):
            raise serializers.ValidationError("A path starts with /; percent-encode spaces, # and what is not ASCII.")
        return value

    def validate_method(self, value: str) -> str:
        if not METHOD.fullmatch(value):
            raise serializers.ValidationError("A method is of capital letters, like GET.")
        return value

    def validate_headers(self, value: dict[str, str]) -> dict[str, str]:
        if len(value) > HEADERS_MAX:
            raise serializers.ValidationError(f"{HEADERS_MAX} headers at most.")
        return value

    def asked(self) -> Asked:
        sent = self.validated_data
        headers = tuple((name.lower(), text) for name, text in sent["headers"].items())
        return Asked(sent["host"], sent["path"], sent["method"], headers, str(ip_address(sent["source"])))


class EligibleSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    pool = serializers.CharField()
    address = serializers.CharField()
    weight = serializers.IntegerField()
    oper = serializers.ChoiceField([each.value for each in Oper])


class WeighedSerializer(serializers.Serializer[Any]):
    pool = serializers.CharField()
    weight = serializers.IntegerField()


class TriedSerializer(serializers.Serializer[Any]):
    route = serializers.CharField()
    because = serializers.CharField(help_text="What did not fit: `path`, `conditions/0`; empty where it has it.")


class LimitSerializer(serializers.Serializer[Any]):
    requests_per_second = serializers.IntegerField()
    burst = serializers.IntegerField()


class KeptSerializer(serializers.Serializer[Any]):
    ttl = DurationField(source="ttl_ms", least=1000)
    because = serializers.ChoiceField(
        ["", *(each.value for each in Because)],
        help_text="Why this request goes to the pool, whatever is kept; empty: it may be answered from the cache.",
    )


class RouteTestedSerializer(serializers.Serializer[Any]):
    route = serializers.CharField(allow_null=True)
    pool = serializers.CharField(allow_null=True, help_text="Null too where clients are shared out among several.")
    pools = WeighedSerializer(many=True)
    backends = EligibleSerializer(many=True)
    verdict = serializers.ChoiceField([*(each.value for each in Verdict), "limited"])
    status = serializers.IntegerField(allow_null=True, help_text="What is answered, where no backend is asked.")
    why = serializers.CharField()
    tried = TriedSerializer(many=True)
    limit = LimitSerializer(allow_null=True)
    cache = KeptSerializer(allow_null=True, help_text="Null where the route keeps no answers.")
