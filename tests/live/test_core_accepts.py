"""What the core writes, read by the real HAProxy."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from balancer.edge import certificates
from balancer.haproxy.codec import BadState, from_json, to_json
from balancer.haproxy.desired import Algorithm, CheckType, HealthCheck, Pool, Route, Server, Tenant
from balancer.haproxy.render import NodeSettings, render_tree
from tests.live.core_node import NO_STATES, write
from tests.programs import HAPROXY
from tests.unit.haproxy.build import HOSTILE, rich

pytestmark = pytest.mark.live


def accepted(tenants: list[Tenant], folder: Path) -> str:
    """HAProxy's complaints about the tree of these tenants, without and with TLS; empty when it has none."""
    run = folder / "run"
    run.mkdir(parents=True)
    (run / "server-state").write_text(NO_STATES)
    certificates.keep(folder / "certs", name="n1", now=datetime.now(UTC))
    settings = NodeSettings(str(run), log_target="stdout")
    both = replace(settings, https_bind="127.0.0.1:8443", certificate_folder=str(folder / "certs"))
    return _complaints(tenants, settings, folder) + _complaints(tenants, both, folder)


def _complaints(tenants: list[Tenant], settings: NodeSettings, folder: Path) -> str:
    write(render_tree(tenants, settings), folder / "tree")
    checked = subprocess.run([HAPROXY, "-c", "-q", "-f", folder / "tree"], capture_output=True, check=False, timeout=60)
    return checked.stderr.decode(errors="replace")


def test_haproxy_takes_everything_that_can_be_said(tmp_path: Path) -> None:
    plain = [
        Tenant(f"t{algorithm[:2]}{kind}", (Pool("p1", algorithm, (Server("b1", "10.0.0.1", 80),), HealthCheck(kind)),))
        for algorithm in Algorithm
        if algorithm is not Algorithm.HEADER_HASH  # `rich` has it, with its header
        for kind in CheckType
    ]
    assert accepted([rich(), *plain], tmp_path) == ""


def test_haproxy_takes_a_node_without_tenants(tmp_path: Path) -> None:
    assert accepted([], tmp_path) == ""


def test_haproxy_takes_whatever_text_the_codec_takes(tmp_path: Path) -> None:
    """Every hostile text at once, in every field that takes free text: one tenant each."""
    taken = []
    for number, text in enumerate([*HOSTILE, "".join(text for text in HOSTILE if text.isprintable())]):
        for field in ("path", "host", "header"):
            state = to_json(rich())
            check = state["pools"][0]["health_check"]
            if field == "header":
                check["headers"] = [["X-Text", text]]
            else:
                check[field] = f"/{text}" if field == "path" else text
            try:
                taken.append(replace(from_json(state), key=f"t{field[0]}{number}", routes=()))
            except BadState:
                continue
    for number, character in enumerate("!\"$%&'()*+,-.:;<=>@[\\]^_`{|}~"):
        pool = Pool("p1", servers=(Server("b1", "10.0.0.1", 80),))
        path = Route("r1", f"x{number}.test", f"/{character}/a", "p1")
        taken.append(from_json(to_json(Tenant(f"tr{number}", (pool,), (path,)))))
    assert len(taken) > 60
    assert accepted(taken, tmp_path) == ""
