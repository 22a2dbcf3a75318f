"""What the fields of a pool may hold that say how it serves, and what they need of each other."""

from typing import Any

from balancer.haproxy.desired import Algorithm, CheckType
from balancer.haproxy.serving import ProxyProtocol, RetryOn, StickyType
from balancer.services import rules, upstream_files

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
NOT_HERE = {
    "geo_proximity": "geo_proximity needs a database of where addresses are, and there is no GeoIP database here; "
    "choose another algorithm.",
    "adaptive": "adaptive comes with the AI, which is not here yet; choose another algorithm.",
}


def take(problems: rules.Problems, values: dict[str, Any]) -> dict[str, Any]:
    """The columns, each by its rule. Certificates are encoded anew, a key is sealed: in the change's transaction."""
    clean: dict[str, Any] = {}

    def rule(field: str, pointer: str, check: Any, *args: Any, **kwargs: Any) -> None:
        clean[field] = problems.take(pointer, check, values[field], *args, **kwargs)

    rule("algorithm", "algorithm", algorithm)
    rule("hash_header", "hash_header", optional_header)
    rule("check_expected_body", "health_check.expected_body", rules.text, most=200, what="The expected body")
    rule("sticky_type", "sticky.type", rules.one_of, [one.value for one in StickyType], what="The kind of stickiness")
    rule("sticky_cookie_name", "sticky.cookie_name", cookie_name)
    rule("sticky_ttl_ms", "sticky.ttl", rules.optional_whole, least=1000, most=365 * DAY_MS, what="The time in ms")
    rule("max_connections", "max_connections", rules.optional_whole, least=1, most=1_000_000, what="The limit")
    rule("max_queue", "max_queue", rules.optional_whole, least=1, most=1_000_000, what="The queue's limit")
    rule("slow_start_ms", "slow_start", rules.optional_whole, least=100, most=HOUR_MS, what="The slow start in ms")
    rule("error_limit", "error_limit", rules.optional_whole, least=1, most=10_000, what="The number of errors")
    rule("retry_on", "retry_on", retry_on)
    rule("tls_sni", "tls.sni", sni)
    rule("proxy_protocol", "proxy_protocol", rules.one_of, [p.value for p in ProxyProtocol], what="The PROXY protocol")
    rule("tls_ca", "tls.ca", authority)
    clean |= certificate(problems, values)
    together(problems, values)
    return clean


def algorithm(value: str) -> str:
    if value in NOT_HERE:
        raise ValueError(NOT_HERE[value])
    return rules.one_of(value, [one.value for one in Algorithm], what="The algorithm")


def together(problems: rules.Problems, values: dict[str, Any]) -> None:
    """What one field needs of another."""
    if values["algorithm"] == Algorithm.HEADER_HASH and not values["hash_header"]:
        problems.add("hash_header", "Say which header header_hash goes by, like X-User.", "required")
    if values["sticky_type"] == StickyType.APP_COOKIE and not values["sticky_cookie_name"]:
        problems.add("sticky.cookie_name", "Say which cookie your application sets, like JSESSIONID.", "required")
    if values["error_limit"] and values["check_type"] == CheckType.NONE:
        detail = "Who is taken out for errors comes back by a health check; choose one, or leave this empty."
        problems.add("error_limit", detail, "needs_check")


def optional_header(value: str) -> str:
    if value and rules.HEADER.fullmatch(value) is None:
        raise ValueError("This is not the name of a header; write one like X-User.")
    return value


def cookie_name(value: str) -> str:
    if value and (len(value) > 40 or rules.HEADER.fullmatch(value) is None):
        raise ValueError("A cookie's name has letters, digits, _, - and ., and 40 characters at most.")
    if value.lower().startswith(("__host-", "__secure-")):
        raise ValueError("Names that begin with __Host- or __Secure- promise more than this cookie keeps.")
    return value


def retry_on(value: list[str]) -> list[str]:
    kinds = [one.value for one in RetryOn]
    for one in value:
        rules.one_of(one, kinds, what="A reason to retry")
    return [kind for kind in kinds if kind in value]


def sni(value: str) -> str:
    if not value:
        return ""
    name = rules.host(value)
    if name.startswith("*."):
        raise ValueError("Write the one name that your servers' certificate has, without a wildcard.")
    return name


def authority(value: str) -> str:
    return upstream_files.authority(value) if value.strip() else ""


def certificate(problems: rules.Problems, values: dict[str, Any]) -> dict[str, str]:
    """Both or neither; without a key, a certificate whose key is known already."""
    if not values["tls_certificate"].strip():
        if values["tls_key"].strip():
            problems.add("tls.certificate", "A key needs its certificate; give both.", "required")
        return {"tls_certificate": "", "tls_bundle": ""}
    try:
        pair = upstream_files.pair(values["tls_certificate"], values["tls_key"])
    except ValueError as error:
        problems.add("tls.key" if "key" in str(error) else "tls.certificate", str(error))
        return {}
    return {"tls_certificate": pair.certificate, "tls_bundle": pair.bundle}
