"""An haproxy.cfg on a real HAProxy, and what its import made of it on a node of ours: the same requests, the same
answers."""

import http.client
import json
import re
import ssl
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from balancer.queries import desired_state
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import build
from tests.live.cfg.original import original
from tests.live.cfg.written import API, BLOG, DATABASE, MAINTENANCE, SECURE, Ask, Site
from tests.live.edge.echo import echoes
from tests.live.edge.nodes import LiveNode, eventually, one_node
from tests.ports import free_port

pytestmark = pytest.mark.django_db
OURS = ("front", "front_tls", "stats", "closed", "certificate")
SITES = {"blog": BLOG, "api": API, "secure": SECURE, "maintenance": MAINTENANCE}


@pytest.fixture(scope="module")
def node() -> Iterator[LiveNode]:
    with one_node() as live:
        yield live


@pytest.fixture
def tenant() -> Tenant:
    return build.tenant(plan="business")


def outcome(report: Any, key: str) -> list[str]:
    return [one.outcome.value for one in report.tenants if one.tenant == key]


def names(text: str) -> list[str]:
    return sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})


def answer(port: int, ask: Ask) -> dict[str, Any]:
    """What a client can tell of it: but for the node's own pages, whose words differ."""
    made: http.client.HTTPConnection
    if ask.tls:
        loose = ssl.create_default_context()
        loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE
        made = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=loose)
    else:
        made = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    made.request(ask.method, ask.target, headers={"Host": ask.host, **ask.headers})
    got = made.getresponse()
    body = got.read()
    made.close()
    told = {"status": got.status, "location": got.headers["Location"]}
    told["hsts"] = got.headers["Strict-Transport-Security"]
    if body.startswith(b'{"name"'):
        said = json.loads(body)
        told |= {name: said[name] for name in ("name", "method", "path")} | {"cache": got.headers["Cache-Control"]}
        told |= {name: said["headers"].get(name) for name in ("x-from", "x-canary-seen", "x-old", "x-app", "x-canary")}
    elif b"No server is available" in body:
        told["nobody"] = True
    elif got.status in (200, 410) or "<h1>Back" in body.decode():
        told |= {"body": body, "type": got.headers["Content-Type"]}
    return told


def bring(tenant: Tenant, text: str, query: str, status: int = 200) -> Any:
    api = build.api(build.member(tenant, Role.ADMIN), tenant)
    client = Client(headers={"Authorization": api.credential or ""})
    got = client.post(f"/api/config/import?{query}", data=text, content_type="text/plain")
    assert got.status_code == status, got.content
    return got.json()


def tell(node: LiveNode, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        report = node.tell(desired_state.of(tenant))
    assert outcome(report, tenant.key) in (["live"], []), report


@pytest.mark.parametrize("name", SITES)
def test_the_same_requests_get_the_same_answers(
    name: str, node: LiveNode, tenant: Tenant, tmp_path: Path, settings: Any
) -> None:
    site: Site = SITES[name]
    origins = [one for one in names(site.text) if one not in OURS]
    with echoes(*origins) as made:
        ports: dict[str, Any] = {one: free_port() for one in OURS} | {one.name: one.server_port for one in made}
        ports["certificate"] = node.folder / "certs" / "default.pem"
        text = site.text.format(**ports)
        shown = bring(tenant, text, f"dry_run=true&host={site.host}")
        assert [(one["line"], one["text"]) for one in shown["lines"]] == list(
            enumerate(text.removesuffix("\n").split("\n"), 1)
        )
        refused = [one for one in shown["lines"] if one["fate"] == "refused"]
        assert len(refused) == len(site.refused)
        for one, begins in zip(refused, site.refused, strict=True):
            assert one["text"].strip().startswith(begins), refused
        bring(tenant, text, f"partial={'true' if refused else 'false'}&host={site.host}")
        tell(node, tenant)
        fronts = tuple(ports[one] for one in ("front", "front_tls") if f"{{{one}}}" in site.text)
        with original(tmp_path, text, fronts):
            if name == "maintenance":
                eventually(lambda: answer(ports["front"], Ask("open.test")).get("name") == "spare")
                eventually(lambda: answer(node.port, Ask("open.test")).get("name") == "spare")
            assert len(site.asks) >= 20
            for ask in site.asks:
                theirs = answer(ports["front_tls" if ask.tls else "front"], ask)
                ours = answer(node.tls_port if ask.tls else node.port, ask)
                if theirs.pop("nobody", False):  # what no rule takes, as the import says of the frontend
                    theirs["status"] = 404
                assert ours == theirs, (ask, ours, theirs)


def test_a_port_for_tcp_is_a_listener(node: LiveNode, tenant: Tenant, settings: Any) -> None:
    port = free_port()
    settings.TCP_PORTS = range(port, port + 1)
    with echoes("db1", "db2") as made:
        text = DATABASE.format(front=port, **{one.name: one.server_port for one in made})
        shown = bring(tenant, text, "mode=replace")
        assert shown["counts"]["listener"]["created"] == 1
        assert {one["fate"] for one in shown["lines"]} <= {"managed", "note"}
        tell(node, tenant)
        for _ in range(3):
            assert answer(port, Ask("any.test", "/x"))["name"] == "db1"
        assert re.search(
            "timeout client 30m|1800000ms", "".join(p.read_text() for p in (node.folder / "config/current").glob("50*"))
        )
