"""Whose a domain is: proven by a real name server and a real web server, before a host is routed."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import pytest
from django.utils import timezone

from balancer.fleet.models import DomainProof
from balancer.services import domains, proofs
from tenants.errors import InvalidField
from tenants.models import AuditEntry, Tenant, User
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tenants.services.mails import mail
from tests import build, nameserver
from tests.conftest import World
from tests.nameserver import NameServer

NOW = timezone.now()


@pytest.fixture
def names(settings: Any) -> Iterator[NameServer]:
    """Production's rules, with a name server of our own to ask."""
    settings.DEMO = False
    with nameserver.running() as server:
        settings.DNS_RESOLVERS = [server.address]
        yield server


class Web:
    """A web server that every name leads to; `pages`: path → (status, body)."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, str]] = {}
        self.asked: list[tuple[str, str]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append((str(self.headers["Host"]), self.path))
                status, body = web.pages.get(self.path, (404, self.path))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", body)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def web(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    server = Web()
    settings.DOMAIN_HTTP_PORT = server.port
    settings.OUTBOUND_ALLOWED = [ip_network("127.0.0.0/8")]
    real = socket.getaddrinfo

    def here(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".example") else host, port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    yield server
    server.server.shutdown()
    server.server.server_close()


def claim(person: User, tenant: Tenant, domain: str = "shop.example") -> dict[str, Any]:
    answer = build.api(person, tenant).post("/api/domains", {"domain": domain})
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def verify(person: User, tenant: Tenant, proof: dict[str, Any], method: str | None = "dns") -> Any:
    body = {"method": method} if method else {}
    return build.api(person, tenant).post(f"/api/domains/{proof['id']}/verify", body)


def publish(names: NameServer, proof: dict[str, Any]) -> None:
    names.records.setdefault(proof["record"]["name"], []).append(proof["record"]["value"])


def row(proof: dict[str, Any]) -> DomainProof:
    with platform_scope():
        return DomainProof.objects.get(pk=proof["id"])


@pytest.mark.django_db
def test_g4_a_txt_record_proves_a_domain_and_only_then_is_a_host_routed(world: World, names: NameServer) -> None:
    client, pool = build.api(world.owner, world.ours), build.pool(world.ours)
    proof = claim(world.owner, world.ours)
    assert (proof["status"], proof["record"]["name"], proof["record"]["type"]) == (
        "pending", "_veloflux.shop.example", "TXT",
    )  # fmt: skip
    route = {"host": "www.shop.example", "pool": pool.pk}
    refused = client.post("/api/routes", route)
    assert refused.status_code == 422
    error = refused.json()["errors"][0]
    assert (error["pointer"], error["code"]) == ("/host", "domain_unproven")
    assert "Add shop.example under Domains" in error["detail"]
    missing = verify(world.owner, world.ours, proof)
    assert (missing.status_code, "no TXT record at _veloflux.shop.example" in missing.json()["detail"]) == (422, True)
    names.records["_veloflux.shop.example"] = ["v=spf1 -all", "veloflux-domain=somebody-elses"]
    assert "says something else" in verify(world.owner, world.ours, proof).json()["detail"]
    publish(names, proof)
    done = verify(world.owner, world.ours, proof).json()
    assert (done["status"], done["method"], done["problem"], done["expires_at"]) == ("verified", "dns", "", None)
    for host in ("www.shop.example", "shop.example", "*.shop.example", "a.b.shop.example"):
        assert client.post("/api/routes", {**route, "host": host}).status_code == 201, host
    for host in ("myshop.example", "shop.example.org", "*.example", "example"):
        assert client.post("/api/routes", {**route, "host": host}).status_code == 422, host
    with platform_scope():
        seen = AuditEntry.objects.filter(tenant_id=world.ours.pk, act__startswith="domain").order_by("id")
        assert list(seen.values_list("act", "outcome")) == [
            ("domain.add", "done"),
            *[("domain.verify", "refused")] * 2,
            ("domain.verify", "done"),
        ]


@pytest.mark.django_db
def test_g4_a_name_server_that_is_silent_is_said_to_be(
    world: World, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "SECONDS", 0.3)
    proof = claim(world.owner, world.ours)
    names.silent.add("_veloflux.shop.example")
    assert "gave no answer" in verify(world.owner, world.ours, proof).json()["detail"]


@pytest.mark.django_db
def test_g4_a_file_on_the_domain_proves_it_too(world: World, names: NameServer, web: Web) -> None:
    proof = claim(world.owner, world.ours)
    path = proof["file"]["url"].removeprefix("http://shop.example")
    said = verify(world.owner, world.ours, proof, "http").json()["detail"]
    assert "answers 404" in said
    web.pages[path] = (200, path)  # a site that echoes what it is asked for
    assert verify(world.owner, world.ours, proof, "http").status_code == 422
    web.pages["/elsewhere"] = (200, proof["file"]["content"])
    web.pages[path] = (302, f"http://shop.example:{web.port}/elsewhere")
    assert "without a redirect" in verify(world.owner, world.ours, proof, "http").json()["detail"]
    assert ("shop.example", "/elsewhere") not in [(host.partition(":")[0], where) for host, where in web.asked]
    web.pages[path] = (200, proof["file"]["content"] + "\n")
    done = verify(world.owner, world.ours, proof, None).json()
    assert (done["status"], done["method"]) == ("verified", "http")


@pytest.mark.django_db
def test_g4_the_challenge_goes_to_no_internal_address(world: World, names: NameServer, web: Web, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED = []
    proof = claim(world.owner, world.ours)
    path = proof["file"]["url"].removeprefix("http://shop.example")
    web.pages[path] = (200, proof["file"]["content"])
    answer = verify(world.owner, world.ours, proof, "http")
    assert (answer.status_code, "nothing is sent there" in answer.json()["detail"]) == (422, True)
    assert web.asked == []


@pytest.mark.django_db
def test_g4_an_unproven_claim_blocks_nobody_and_a_proven_domain_has_one_owner(world: World, names: NameServer) -> None:
    first, second = claim(world.owner, world.ours), claim(world.their_owner, world.theirs)
    assert first["record"]["value"] != second["record"]["value"]
    publish(names, second)
    assert verify(world.owner, world.ours, first).status_code == 422  # their record is not ours
    assert verify(world.their_owner, world.theirs, second).status_code == 200
    publish(names, first)
    late = verify(world.owner, world.ours, first)
    assert (late.status_code, late.json()["code"]) == (409, "taken")
    assert world.theirs.name not in late.content.decode()
    assert row(first).verified_at is None


@pytest.mark.django_db
def test_g4_a_proof_does_not_let_one_route_anothers_host(world: World, names: NameServer) -> None:
    """Theirs is within ours: whoever was first with the host has it."""
    ours, theirs = claim(world.owner, world.ours), claim(world.their_owner, world.theirs, "app.shop.example")
    for proof, person, tenant in ((ours, world.owner, world.ours), (theirs, world.their_owner, world.theirs)):
        publish(names, proof)
        assert verify(person, tenant, proof).status_code == 200
    build.route(world.theirs, host="app.shop.example")
    pool = build.pool(world.ours)
    answer = build.api(world.owner, world.ours).post("/api/routes", {"host": "app.shop.example", "pool": pool.pk})
    assert (answer.status_code, answer.json()["code"]) == (409, "host_taken")


@pytest.mark.django_db
def test_g4_a_claim_expires_and_a_proof_is_looked_at_again(world: World, names: NameServer) -> None:
    waiting, proven = claim(world.owner, world.ours, "later.example"), claim(world.owner, world.ours)
    publish(names, proven)
    verify(world.owner, world.ours, proven)
    build.route(world.ours, host="www.shop.example")

    def days_later(days: float) -> None:
        with platform_scope():
            domains.sweep(now=NOW + timedelta(days=days), most=10)

    days_later(6.9)
    assert row(waiting).state == "pending"
    assert row(proven).state == "verified"
    days_later(7.1)
    with platform_scope():
        assert not DomainProof.objects.filter(pk=waiting["id"]).exists()
    names.records.clear()
    days_later(9)
    assert row(proven).state == "failing"
    assert "no TXT record" in row(proven).problem
    build.route(world.ours, host="still.shop.example")  # it is good while patience lasts
    publish(names, proven)
    days_later(11)
    assert (row(proven).state, row(proven).problem) == ("verified", "")
    names.records.clear()
    days_later(13)
    days_later(20.1)
    assert row(proven).state == "pending"
    client, pool = build.api(world.owner, world.ours), build.pool(world.ours)
    assert client.post("/api/routes", {"host": "new.shop.example", "pool": pool.pk}).status_code == 422
    existing = client.get("/api/routes?host=www.shop.example").json()["items"][0]
    kept = client.patch(f"/api/routes/{existing['id']}", {"pool": pool.pk})
    assert kept.status_code == 200  # what is there goes on, and can be put right


@pytest.mark.django_db
def test_g4_a_domain_that_routes_need_is_not_given_up(world: World, names: NameServer) -> None:
    proof = claim(world.owner, world.ours)
    publish(names, proof)
    verify(world.owner, world.ours, proof)
    route = build.route(world.ours, host="www.shop.example")
    client = build.api(world.owner, world.ours)
    refused = client.delete(f"/api/domains/{proof['id']}")
    assert (refused.status_code, "www.shop.example" in refused.json()["detail"]) == (409, True)
    assert client.delete(f"/api/routes/{route.pk}").status_code == 200
    assert client.delete(f"/api/domains/{proof['id']}").status_code == 204


@pytest.mark.django_db
@pytest.mark.parametrize(
    "domain",
    ["*.shop.example", "192.0.2.1", "com", "localhost", "http://shop.example", "a b.example", "x.localhost", ""],
)
def test_g4_what_cannot_be_a_domain_of_theirs_is_refused(world: World, names: NameServer, domain: str) -> None:
    answer = build.api(world.owner, world.ours).post("/api/domains", {"domain": domain})
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["pointer"] == "/domain"


@pytest.mark.django_db
def test_g4_only_the_demo_start_lets_local_names_through(world: World, settings: Any) -> None:
    settings.DEMO = True
    with tenant_scope(world.ours):
        domains.require("x.localhost")
        domains.require("*.some.test")
        for host in ("shop.example", "localhost.example", "xtest"):
            with pytest.raises(InvalidField):
                domains.require(host)
    settings.DEMO = False
    with tenant_scope(world.ours), pytest.raises(InvalidField):
        domains.require("x.localhost")


def test_owners_are_told_once_that_a_domain_fails_and_once_that_it_is_lost(
    world: World, names: NameServer, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    """Each in their own language; nobody else, and not at every look."""
    sent: list[tuple[str, str, str]] = []
    monkeypatch.setattr(mail, "ask", lambda **it: sent.append((it["to"], it["subject"], it["body"])))
    second = build.member(world.ours, Role.OWNER, language="pt-br")
    away = build.member(world.ours, Role.OWNER)
    away.memberships.update(suspended_at=NOW)
    build.member(world.ours, Role.ADMIN)
    proven = claim(world.owner, world.ours)
    publish(names, proven)
    verify(world.owner, world.ours, proven)

    def told(days: float) -> list[tuple[str, str]]:
        sent.clear()
        with django_capture_on_commit_callbacks(execute=True), platform_scope():
            domains.sweep(now=NOW + timedelta(days=days), most=10)
        assert all(f"/t/{world.ours.slug}/domains/{proven['id']}" in body for _, _, body in sent)
        return sorted((to, subject) for to, subject, _ in sent)

    failing = sorted([
        (world.owner.email, "shop.example: its proof is not found any more"),
        (second.email, "shop.example: a comprovação não é mais encontrada"),
    ])  # fmt: skip
    lost = sorted([
        (world.owner.email, "shop.example counts as unproven now"),
        (second.email, "shop.example não está mais comprovado"),
    ])  # fmt: skip
    assert told(2) == []
    names.records.clear()
    assert told(4) == failing
    assert (told(4.1), told(6)) == ([], [])
    publish(names, proven)
    assert told(8) == []
    names.records.clear()
    assert told(10) == failing, "It failed once more, after it was found: that is news."
    assert told(17.1) == lost
    assert (told(17.2), told(19)) == ([], [])
