"""HTTPS on a node: its own certificate, over reloads, restarts and trouble."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from balancer.edge.certificates import make
from balancer.edge.converge import converge, reload, repair
from balancer.edge.look import look_at_all
from balancer.edge.report import Outcome, Report, TenantOutcome
from balancer.haproxy.desired import Tenant
from balancer.haproxy.planner import drift
from balancer.haproxy.render import CERTIFICATE_LIST
from balancer.haproxy.show import parse_stat
from tests.live.core_h2 import get, unverified
from tests.live.edge.load import load
from tests.live.edge.nodes import LiveNode, server, tenant
from tests.live.edge.origins import Origins

NOW = datetime.now(UTC)


def shown(node: LiveNode, sni: str = "demo.localhost") -> x509.Certificate:
    """The certificate that a client gets."""
    with (
        socket.create_connection(("127.0.0.1", node.tls_port), timeout=5) as plain,
        unverified("h2", "http/1.1").wrap_socket(plain, server_hostname=sni) as tls,
    ):
        return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")


def file(node: LiveNode) -> Path:
    return node.folder / "certs" / "default.pem"


def on_disk(node: LiveNode) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file(node).read_bytes())


def said(node: LiveNode) -> str:
    return (node.folder / "log" / "haproxy.log").read_text()


def listens(node: LiveNode) -> bool:
    try:
        socket.create_connection(("127.0.0.1", node.tls_port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.fixture
def site(origins: Origins) -> Callable[[str], Tenant]:
    origin = origins.start("one")
    return lambda key: tenant(key, server("b1", origin), host=f"{key}.localhost")


Site = Callable[[str], Tenant]


def test_a_site_is_served_by_both_versions_of_http_over_tls(node: LiveNode, site: Site) -> None:
    node.tell(site("taaa"))
    url = f"https://127.0.0.1:{node.tls_port}/"
    with httpx.Client(verify=unverified("http/1.1")) as client:
        old = client.get(url, headers={"Host": "taaa.localhost"}, extensions={"sni_hostname": "taaa.localhost"})
    assert (old.http_version, old.status_code, old.text) == ("HTTP/1.1", 200, "one")
    new = get(node.tls_port, "taaa.localhost", sni="taaa.localhost")
    assert (new.status, new.body) == (200, "one")


def test_five_reloads_lose_no_request_of_a_kept_connection(node: LiveNode, site: Site) -> None:
    node.tell(site("taaa"))
    with load(node.tls_port, "taaa.localhost", tls=unverified("http/1.1")) as running:
        for number in range(5):
            assert node.tell(site(f"tb{number}")).outcome is Outcome.CONVERGED
    assert node.node.master.processes().reloads == 6
    assert running.failed == []
    assert running.answers["one"] > 50


def test_a_node_that_was_killed_comes_back_with_the_same_certificate(node: LiveNode, site: Site) -> None:
    first = shown(node)
    assert first == on_disk(node)
    node.tell(site("taaa"))
    node.kill()
    node.start()
    assert shown(node) == first == on_disk(node)


def test_one_that_has_ended_is_replaced_at_boot(node: LiveNode) -> None:
    node.kill()
    file(node).write_text(make("one", now=NOW - timedelta(days=800)))
    old = on_disk(node)
    assert old.not_valid_after_utc < NOW
    node.start()
    assert shown(node) == on_disk(node) != old
    assert shown(node).not_valid_after_utc > NOW + timedelta(days=390)


def test_no_key_is_told_to_anybody(node: LiveNode, site: Site) -> None:
    node.tell(site("taaa"))
    key = file(node).read_text().split("PRIVATE KEY-----")[1].split()[0]
    told = said(node) + "".join(node.node.runtime.ask(words) for words in ("show env", "show ssl cert"))
    assert key not in told
    holders = [path for path in node.folder.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert holders == [file(node)], "no tree holds a copy"


def test_without_a_certificate_http_goes_on_alone(node: LiveNode, site: Site) -> None:
    node.tell(site("taaa"))
    node.kill()
    in_the_way(node)
    node.start()
    assert node.get("taaa.localhost") == (200, "one")
    assert not listens(node)
    assert f"nothing listens on 127.0.0.1:{node.tls_port}" in said(node)
    assert node.tell(site("tbbb")).outcome is Outcome.CONVERGED
    node.kill()
    (node.folder / "certs").unlink()
    node.start()
    assert get(node.tls_port, "tbbb.localhost").body == "one"


def in_the_way(node: LiveNode) -> None:
    """Whoever runs the tests may be root, whom no mode keeps from writing."""
    file(node).unlink()
    (node.folder / "certs").rmdir()
    (node.folder / "certs").write_text("")


def outcomes(report: Report) -> dict[str, TenantOutcome]:
    return {one.tenant: one.outcome for one in report.tenants}


def test_one_that_ends_soon_is_renewed_without_a_restart(node: LiveNode, site: Site) -> None:
    assert node.tell(site("taaa")).outcome is Outcome.CONVERGED
    assert repair(node.node).outcome is Outcome.CONVERGED, "there is time"
    file(node).write_text(make("one", now=NOW - timedelta(days=380)))
    ending = on_disk(node)
    assert repair(node.node).outcome is Outcome.RELOAD_DUE
    assert reload(node.node).outcome is Outcome.CONVERGED
    assert shown(node) == on_disk(node) != ending
    assert shown(node).not_valid_after_utc > NOW + timedelta(days=390)
    assert repair(node.node).outcome is Outcome.CONVERGED


def test_a_lost_certificate_is_made_again_by_the_next_reload(node: LiveNode, site: Site) -> None:
    first = shown(node)
    file(node).unlink()
    assert node.tell(site("taaa")).outcome is Outcome.CONVERGED
    assert shown(node) == on_disk(node) != first


def test_a_lost_certificate_is_no_tenants_fault(node: LiveNode, site: Site) -> None:
    """What serves goes on serving, HTTPS too, and the reload is tried again."""
    node.tell(site("taaa"))
    first, pid = shown(node), node.worker_pid
    in_the_way(node)
    report = node.tell(site("tbbb"))
    assert outcomes(report) == {"tbbb": TenantOutcome.FAILED}
    assert "certificate cannot be written" in report.words
    assert str(node.folder) not in report.words
    assert (shown(node), node.worker_pid) == (first, pid)
    (node.folder / "certs").unlink()
    assert outcomes(node.tell()) == {"tbbb": TenantOutcome.LIVE}


def test_a_node_of_before_gets_https_when_it_starts_again(node: LiveNode, site: Site) -> None:
    """Its worker may be the newer one: it reloads what runs, and changes nothing of what the node binds."""
    node.kill()
    with_tls = dict(node.environ)
    node.environ["VELOFLUX_NODE_HTTPS_BIND"] = ""
    node.start()
    assert not listens(node)
    node.environ.update(with_tls)
    node.fresh_worker()
    assert node.tell(site("taaa")).outcome is Outcome.CONVERGED
    assert not listens(node)
    assert not (node.folder / "config" / "current" / CERTIFICATE_LIST).exists()
    node.kill()
    node.start()
    assert get(node.tls_port, "taaa.localhost").body == "one"


def test_https_is_no_drift_and_no_second_frontend(node: LiveNode, site: Site) -> None:
    one = site("taaa")
    node.tell(one)
    assert drift(one, look_at_all(node.node.runtime), node.node.capabilities) == []
    frontends = [row["pxname"] for row in parse_stat(node.node.runtime.ask("show stat -1 1 -1"))]
    assert frontends == ["http", "inner", "packed", "passthrough"]
    assert converge(node.fresh_worker(), node.message()).outcome is Outcome.CONVERGED


def test_a_certificate_can_come_at_run_time_after_any_reload(node: LiveNode, site: Site) -> None:
    """The names that HAProxy knows list and certificates by are the same for every tree (`haproxy.md` 1.5)."""
    node.tell(site("taaa"))
    node.tell(site("tbbb"))
    path, pem = f"{node.folder}/certs/tccc.pem", make("tccc.localhost", now=NOW)
    ask = node.node.runtime.ask
    assert "default.pem:1 !*" in ask(f"show ssl crt-list -n {CERTIFICATE_LIST}")
    assert "New empty certificate store" in ask(f"new ssl cert {path}")
    assert "Transaction created" in ask(f"set ssl cert {path} <<\n{pem}")
    assert "Success!" in ask(f"commit ssl cert {path}")
    assert "Success!" in ask(f"add ssl crt-list {CERTIFICATE_LIST} <<\ntccc.pem tccc.localhost\n")
    assert shown(node, "tccc.localhost") == x509.load_pem_x509_certificate(pem.encode())
    assert shown(node, "tddd.localhost") == on_disk(node)
