"""HAProxy's line, read again: what is hostile stays a value, and what is no line of ours is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy.access_log import HOST_MAX, METHOD_MAX, PATH_MAX, parse, tenant_of

TOLD: dict[str, Any] = {
    "tenant": "taaaaaaaaaaaa", "id": "0b1f4a52-9c1e-4f0e-8d2a-1f2e3d4c5b6a", "at": 1763784000.042, "status": 200,
    "bytes": 321, "ended": "--", "request_ms": 0, "queue_ms": 0, "connect_ms": 1, "response_ms": 7, "total_ms": 8,
    "proxy": "taaaaaaaaaaaa_p1", "server": "b1", "source": "203.0.113.9", "tls": 1, "left_out": 3, "method": "GET",
    "host": "a.test", "path": "/",
}  # fmt: skip


def line(**changes: Any) -> bytes:
    return json.dumps({**TOLD, **changes}, separators=(",", ":")).encode()


def test_a_line_is_read() -> None:
    read = parse(line())
    assert read is not None
    assert (read.tenant, read.status, read.response_ms, read.tls, read.left_out) == ("taaaaaaaaaaaa", 200, 7, True, 3)
    assert tenant_of(line()) == "taaaaaaaaaaaa"


@given(st.text())
def test_whatever_a_client_chose_stays_what_it_chose(text: str) -> None:
    read = parse(line(path=text, host=text, method=text))
    assert read is not None
    assert (read.path, read.host, read.method) == (text[:PATH_MAX], text[:HOST_MAX], text[:METHOD_MAX])
    assert (read.tenant, read.id) == (TOLD["tenant"], TOLD["id"])


def test_half_a_character_is_no_text() -> None:
    read = parse(line(path="/\ud800x"))
    assert read is not None
    assert read.path == "/?x"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"Server taaa_p1/b1 is DOWN.",
        line()[:-20],
        line() + b"x",
        b"[" * 100_000,
        b"[1]",
        b"\xff\xfe",
        line(id="x"),
        line(id="../../x"),
        line(tenant="-"),
        line(tenant="T;1"),
        line(tenant=None),
        line(status="many"),
        line(at=float("nan")),
        line(bytes=float("inf")),
        line(proxy="<script>alert(1)</script>"),
        line(server="a b"),
        json.dumps({"tenant": "taaa"}).encode(),
    ],
)
def test_what_is_no_line_of_ours_is_none(sent: bytes) -> None:
    assert parse(sent) is None


@pytest.mark.parametrize(
    "sent", [b"", b"notice", b'{"tenant":"-","id"', b'{"tenant":"t' + b"a" * 40, b'{"tenant":"tA"']
)
def test_nobodys_line_has_no_tenant(sent: bytes) -> None:
    assert tenant_of(sent) == ""
