"""How servers are reached: over TLS that is verified, with a client certificate, a PROXY header, in HTTP/2."""

import hashlib
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from balancer.edge.report import TenantOutcome
from balancer.haproxy.desired import CheckType, HealthCheck, Pool, Route, Server, Tenant
from balancer.haproxy.serving import ProxyProtocol, Serving, Tls
from tests.live.edge.nodes import FAST_CHECK, NO_CHECK, LiveNode, eventually
from tests.live.edge.reached import Reached, h2, http1, proxied, reached

TLS_CHECK = HealthCheck(type=CheckType.TLS, interval_ms=200, timeout_ms=500, rise=1, fall=1)


@dataclass
class Made:
    """A certificate and its key, in PEM."""

    certificate: str
    key: str
    signer: Any

    @property
    def bundle(self) -> str:
        return self.certificate + self.key

    def context(self, folder: Path, *, clients: "Made | None" = None, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
        path = folder / f"{named(self.bundle)}.pem"
        path.write_text(self.bundle)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=clients.certificate)
        return context


def named(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make(name: str, by: Made | None = None) -> Made:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    issuer = x509.load_pem_x509_certificate(by.certificate.encode()).subject if by else subject
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=9))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    signed = builder.sign(by.signer if by else key, hashes.SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Made(signed.public_bytes(Encoding.PEM).decode(), pem, key)


@dataclass
class Bench:
    node: LiveNode
    folder: Path
    count: int = 0

    def state(self, origin: Reached, serving: Serving, check: HealthCheck = NO_CHECK) -> Tenant:
        self.count += 1
        server = Server("b1", "127.0.0.1", origin.port)
        pool = Pool("p1", servers=(server,), health_check=check, serving=serving, retries=0)
        return Tenant(f"t{self.count:02d}", (pool,), (Route("r1", f"t{self.count:02d}.test", "/", "p1"),))

    def serve(self, origin: Reached, serving: Serving, check: HealthCheck = NO_CHECK) -> httpx.Response:
        state = self.state(origin, serving, check)
        report = self.node.tell(state)
        assert [one.outcome for one in report.tenants] == [TenantOutcome.LIVE], report
        return self.ask(state.key)

    def ask(self, key: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.node.port}/", headers={"Host": f"{key}.test"}, timeout=5)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vf-")))
        live = LiveNode(folder / "n1")
        stack.callback(live.kill)
        live.start()
        yield Bench(live, folder)


@pytest.fixture(scope="module")
def authority() -> Made:
    return make("Our authority")


def test_servers_are_verified_by_chain_and_by_name(bench: Bench, authority: Made) -> None:
    bench.node.files = {named(authority.certificate): authority.certificate}
    own = Tls(ca=named(authority.certificate), sni="in.a.test")
    good = make("in.a.test", authority).context(bench.folder)
    with reached(http1, good) as origin:
        assert bench.serve(origin, Serving(tls=own)).text == "ok"
        assert origin.names == ["in.a.test"]
        asked = bench.serve(origin, Serving(tls=replace(own, sni="")))
        assert asked.status_code == 503  # the host that was asked for is not the certificate's
        assert bench.serve(origin, Serving(tls=replace(own, sni="other.test"))).status_code == 503
        assert bench.serve(origin, Serving(tls=Tls(sni="in.a.test"))).status_code == 503  # no system trusts it
        assert bench.serve(origin, Serving(tls=Tls(verify=False))).text == "ok"
    with reached(http1, make("in.a.test").context(bench.folder)) as stranger:
        assert bench.serve(stranger, Serving(tls=own)).status_code == 503
    with reached(http1, make("*.test", authority).context(bench.folder)) as many:
        assert bench.serve(many, Serving(tls=replace(own, sni=""))).text == "ok"
        assert many.names[-1] == f"t{bench.count:02d}.test"


def test_a_server_over_tls_is_added_at_run_time(bench: Bench, authority: Made) -> None:
    bench.node.files = {named(authority.certificate): authority.certificate}
    serving = Serving(tls=Tls(ca=named(authority.certificate), sni="in.a.test"))
    context = make("in.a.test", authority).context(bench.folder)
    with reached(http1, context) as one, reached(http1, make("in.a.test", authority).context(bench.folder)) as two:
        state = bench.state(one, serving, replace(FAST_CHECK, path="/health"))
        bench.node.tell(state)
        assert bench.ask(state.key).text == "ok"
        pid = bench.node.worker_pid
        more = (*state.pools[0].servers, Server("b2", "127.0.0.1", two.port))
        bench.node.tell(replace(state, pools=(replace(state.pools[0], servers=more),)))
        eventually(lambda: bench.node.servers(f"{state.key}_p1")["b2"][2] == "up")
        assert {bench.ask(state.key).text for _ in range(6)} == {"ok"}
        assert two.requests == 3
        assert bench.node.worker_pid == pid


def test_a_client_certificate_proves_who_asks_and_lies_where_only_we_can_read(bench: Bench, authority: Made) -> None:
    ours = make("veloflux client", authority)
    bench.node.files = {named(text): text for text in (authority.certificate, ours.bundle)}
    tls = Tls(ca=named(authority.certificate), sni="in.a.test", certificate=named(ours.bundle))
    with reached(http1, make("in.a.test", authority).context(bench.folder, clients=authority)) as origin:
        assert bench.serve(origin, Serving(tls=tls)).text == "ok"
        assert "veloflux client" in origin.subjects[-1]
        assert bench.serve(origin, Serving(tls=replace(tls, certificate=""))).status_code in (502, 503)
    path = bench.node.folder / "certs" / f"{named(ours.bundle)}.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not any(ours.key in one.read_text() for one in (bench.node.folder / "fragments").glob("*.json"))


def test_a_state_without_its_files_is_refused_and_the_old_one_stays(bench: Bench, authority: Made) -> None:
    bench.node.files = {}
    with reached() as origin:
        state = bench.state(origin, Serving())
        bench.node.tell(state)
        missing = replace(state.pools[0], serving=Serving(tls=Tls(ca="0f" * 32)))
        report = bench.node.tell(replace(state, pools=(missing,)))
        assert [one.outcome for one in report.tenants] == [TenantOutcome.REFUSED]
        bench.node.files = {"0f" * 32: authority.certificate}  # it is not what it is called
        report = bench.node.tell(replace(state, pools=(missing,)))
        assert [one.outcome for one in report.tenants] == [TenantOutcome.REFUSED]
        assert bench.ask(state.key).text == "ok"
    bench.node.files = {}


@pytest.mark.parametrize("version", [ProxyProtocol.V1, ProxyProtocol.V2])
def test_a_proxy_header_says_who_the_client_is(bench: Bench, version: ProxyProtocol) -> None:
    with reached(proxied) as origin:
        assert bench.serve(origin, Serving(proxy_protocol=version), FAST_CHECK).text == "ok"
        assert f"{version.value} 127.0.0.1" in origin.proxied
        assert bench.node.servers(f"t{bench.count:02d}_p1")["b1"][2] == "up"


def test_http2_in_clear_and_by_alpn(bench: Bench) -> None:
    with reached(h2) as origin:
        assert bench.serve(origin, Serving(h2=True)).text == "h2"
    context = make("a.test").context(bench.folder, alpn=("h2", "http/1.1"))
    with reached(h2, context) as origin:
        assert bench.serve(origin, Serving(h2=True, tls=Tls(verify=False)), FAST_CHECK).text == "h2"
        assert set(origin.protocols) == {"h2"}
    with reached(http1, make("a.test").context(bench.folder)) as origin:
        assert bench.serve(origin, Serving(h2=True, tls=Tls(verify=False))).text == "ok"


def test_a_handshake_is_a_check(bench: Bench) -> None:
    context = make("a.test").context(bench.folder)
    with reached(http1, context) as origin, reached(http1) as plain:
        state = bench.state(origin, Serving(tls=Tls(verify=False)), TLS_CHECK)
        servers = (*state.pools[0].servers, Server("b2", "127.0.0.1", plain.port))
        bench.node.tell(replace(state, pools=(replace(state.pools[0], servers=servers),)))
        proxy = f"{state.key}_p1"
        eventually(lambda: [one[2] for one in bench.node.servers(proxy).values()] == ["up", "down"])
