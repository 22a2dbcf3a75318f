"""How a pool serves, by the API: what goes in comes out, what cannot be is refused, a key is never read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from balancer.fleet.models import Edit, UpstreamFile
from balancer.haproxy import codec
from balancer.haproxy.serving import ProxyProtocol, RetryOn, StickyType
from balancer.queries import desired_state
from balancer.services import fragments
from tenants.models import AuditEntry, Tenant
from tenants.scope import platform_scope, tenant_scope
from tests import build

pytestmark = pytest.mark.django_db


def make(*, ca: bool, name: str = "client", days: int = 30) -> tuple[str, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2026, 11, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode(), key


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def tenant() -> Tenant:
    return build.tenant()


@pytest.fixture
def client(tenant: Tenant) -> build.Api:
    return build.api(build.member(tenant), tenant)


def post(client: build.Api, body: dict[str, Any], status: int = 201) -> Any:
    answer = client.post("/api/pools", body)
    assert answer.status_code == status, answer.content
    return answer.json()


def send(client: build.Api, method: str, pool: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = getattr(client, method)(f"/api/pools/{pool}", body)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_everything_goes_in_and_comes_out_again(client: build.Api, tenant: Tenant) -> None:
    ca, _ = make(ca=True)
    certificate, key = make(ca=False)
    backup = post(client, {"name": "spare"})
    body = {
        "name": "web",
        "algorithm": "header_hash",
        "hash_header": "X-User",
        "sticky": {"type": "cookie", "cookie_name": "stay", "ttl": "3600s"},
        "retry_on": ["empty_response", "503"],
        "tls": {"enabled": True, "verify": True, "ca": ca, "sni": "in.example.com", "certificate": certificate},
        "proxy_protocol": "v2",
        "http2": True,
        "backup_pool": backup["id"],
        "max_connections": 100,
        "max_queue": 10,
        "slow_start": "10s",
        "error_limit": 5,
    }
    made = post(client, body | {"tls": {**body["tls"], "key": pem(key)}})
    for name, value in body.items():
        assert made[name] == value, name
    assert made["status"]["tls"] == {"ca_ends": "2026-12-01T00:00:00Z", "certificate_ends": "2026-12-01T00:00:00Z"}
    assert (made["status"]["up"], made["status"]["total"]) == (0, 0)
    again = send(client, "put", made["id"], body)  # the key that it has stays
    assert {name: again[name] for name in body} == body
    with tenant_scope(tenant):
        state = desired_state.of(tenant)
        assert codec.from_json(codec.to_json(state)) == state
    pool = next(one for one in state.pools if one.key == f"p{made['id']}")
    serving = pool.serving
    assert (serving.hash_header, serving.fallback, serving.h2) == ("X-User", f"p{backup['id']}", True)
    assert (serving.sticky.type, serving.sticky.name, serving.sticky.ttl_s) == (StickyType.COOKIE, "stay", 3600)
    assert (serving.max_connections, serving.max_queue, serving.slow_start_ms, serving.error_limit) == (
        100,
        10,
        10000,
        5,
    )
    assert (serving.retry_on, serving.proxy_protocol) == ((RetryOn.EMPTY, RetryOn.UNAVAILABLE), ProxyProtocol.V2)
    assert serving.tls is not None
    assert serving.tls.sni == "in.example.com"


def test_a_key_reaches_nodes_and_nobody_else(client: build.Api, tenant: Tenant) -> None:
    certificate, key = make(ca=False)
    tls = {"enabled": True, "verify": False, "certificate": certificate, "key": pem(key)}
    made = post(client, {"name": "web", "tls": tls})
    assert "key" not in made["tls"]
    secret = pem(key).splitlines()[1]
    with tenant_scope(tenant):
        state = codec.to_json(desired_state.of(tenant))
    with platform_scope():
        told = fragments.Told(tenant.pk, 1, "", [], json.dumps(state))
        (text,) = json.loads(fragments.written(told))["files"].values()
        assert text == certificate + pem(key)
        kept = [
            state,
            *Edit.objects.values_list("after", flat=True),
            *AuditEntry.objects.values_list("after", flat=True),
            *UpstreamFile.objects.values_list("sealed", flat=True),
        ]
        assert not any(secret in str(one) for one in kept)
    assert secret not in client.get("/api/pools").content.decode()
    assert secret not in client.get("/api/config/export?format=json").content.decode()


def test_files_are_each_tenants_own(client: build.Api, tenant: Tenant) -> None:
    certificate, key = make(ca=False)
    post(client, {"name": "web", "tls": {"enabled": True, "certificate": certificate, "key": pem(key)}})
    other = build.tenant()
    theirs = build.api(build.member(other), other)
    refused = post(theirs, {"name": "web", "tls": {"enabled": True, "certificate": certificate}}, 422)
    assert refused["errors"][0]["pointer"] == "/tls/key"


CERTIFICATE, KEY = make(ca=False)
LOCKED = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"algorithm": "geo_proximity"}, "/algorithm"),
    ({"algorithm": "adaptive"}, "/algorithm"),
    ({"algorithm": "header_hash"}, "/hash_header"),
    ({"algorithm": "header_hash", "hash_header": "X User"}, "/hash_header"),
    ({"sticky": {"type": "app_cookie"}}, "/sticky/cookie_name"),
    ({"sticky": {"type": "cookie", "cookie_name": "a;b"}}, "/sticky/cookie_name"),
    ({"sticky": {"type": "cookie", "cookie_name": "__Host-a"}}, "/sticky/cookie_name"),
    ({"error_limit": 3, "health_check": {"type": "none"}}, "/error_limit"),
    ({"health_check": {"expected_body": "a\nb"}}, "/health_check/expected_body"),
    ({"tls": {"ca": "nothing"}}, "/tls/ca"),
    ({"tls": {"ca": CERTIFICATE}}, "/tls/ca"),  # it is no authority's
    ({"tls": {"sni": "*.example.com"}}, "/tls/sni"),
    ({"tls": {"certificate": CERTIFICATE}}, "/tls/key"),
    ({"tls": {"key": pem(KEY)}}, "/tls/certificate"),
    ({"tls": {"certificate": CERTIFICATE, "key": pem(make(ca=False)[1])}}, "/tls/key"),
    ({"tls": {"certificate": CERTIFICATE, "key": LOCKED}}, "/tls/key"),
    ({"tls": {"certificate": CERTIFICATE, "key": "nothing"}}, "/tls/key"),
    ({"backup_pool": "a" * 12}, "/backup_pool"),
]


@pytest.mark.parametrize(("body", "pointer"), WRONG, ids=lambda one: one if isinstance(one, str) else None)
def test_what_cannot_be_is_refused_at_its_field(client: build.Api, body: dict[str, Any], pointer: str) -> None:
    refused = post(client, {"name": "web", **body}, 422)
    assert [error["pointer"] for error in refused["errors"]] == [pointer], refused


def test_a13_no_geoip_database_is_said_so(client: build.Api) -> None:
    refused = post(client, {"name": "web", "algorithm": "geo_proximity"}, 422)
    assert "no GeoIP database here" in refused["detail"]


def test_pools_do_not_take_over_in_a_circle_and_the_one_that_does_stays(client: build.Api) -> None:
    one, two, three, four = (post(client, {"name": f"pool {number}"})["id"] for number in range(4))
    send(client, "patch", one, {"backup_pool": two})
    send(client, "patch", two, {"backup_pool": three})
    assert send(client, "patch", one, {"backup_pool": one}, 422)["errors"][0]["code"] == "loop"
    assert send(client, "patch", three, {"backup_pool": one}, 422)["errors"][0]["code"] == "loop"
    send(client, "patch", three, {"backup_pool": four})
    five = post(client, {"name": "pool 5"})["id"]
    assert send(client, "patch", four, {"backup_pool": five}, 422)["errors"][0]["code"] == "too_long"
    assert send(client, "patch", five, {"backup_pool": one}, 422)["errors"][0]["code"] == "too_long"
    refused = client.delete(f"/api/pools/{four}")
    assert (refused.status_code, refused.json()["code"]) == (409, "pool_in_use")
    send(client, "patch", three, {"backup_pool": None})
    assert client.delete(f"/api/pools/{four}").status_code in (200, 204)
