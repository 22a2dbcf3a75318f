"""Ask a tenant's URL: one connection, to the address that was judged, bounded in time and size.

No redirect is followed, no proxy of the environment is used, and nothing is decompressed.
"""

import base64
import json
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpcore

from tenants.outbound import guard, trust
from tenants.outbound.guard import Unreachable, Why
from tenants.outbound.stream import Pinned

SECONDS = 10.0
MOST_BYTES = 1024 * 1024
PORTS = frozenset({80, 443, 8080, 8443})
AGENT = "VeloFlux"


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of headers are lower case; of one that came twice, the first."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Raise `Unreachable` when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Unreachable("The answer is not JSON.", Why.ANSWER) from error


@dataclass(frozen=True, slots=True)
class Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def get(
    url: str,
    *,
    timeout: float = SECONDS,
    most_bytes: int = MOST_BYTES,
    accept: str = "application/json",
    headers: Mapping[str, str] | None = None,
    plain: bool = False,
) -> Answer:
    """`timeout` is for all of it. `plain`: http too, as for the proof of a domain. Raise `Unreachable`."""
    sent = {"Accept": accept, **(headers or {})}
    return _ask("GET", url, sent, b"", timeout=timeout, most_bytes=most_bytes, plain=plain)


def post(
    url: str,
    *,
    data: Mapping[str, str] | None = None,
    json_body: Any = None,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = SECONDS,
    most_bytes: int = MOST_BYTES,
    accept: str = "application/json",
) -> Answer:
    """`data` goes as a form, `json_body` as JSON; `auth` as HTTP Basic. Raise `Unreachable`."""
    sent = {"Accept": accept}
    if data is not None:
        body, sent["Content-Type"] = urlencode(data).encode(), "application/x-www-form-urlencoded"
    else:
        body, sent["Content-Type"] = json.dumps(json_body).encode(), "application/json"
    if auth is not None:
        sent["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
    return _ask("POST", url, {**sent, **(headers or {})}, body, timeout=timeout, most_bytes=most_bytes)


def target_of(url: str) -> Target:
    """Raise `Unreachable` for what is no plain http(s) URL. A fragment stays here."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Unreachable("The URL holds characters that a URL does not have.", Why.NAME)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Unreachable("This is not a URL.", Why.NAME) from error
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise Unreachable("Write the URL with https:// and a host.", Why.NAME)
    if parts.username is not None or parts.password is not None:
        raise Unreachable("Leave user and password out of the URL.", Why.NAME)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = guard.canonical(parts.hostname)
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def _ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    timeout: float,
    most_bytes: int,
    plain: bool = False,
) -> Answer:
    target = target_of(url)
    context = trust.context() if target.scheme == "https" else None  # reads files: not of the other side's time
    until = time.monotonic() + timeout
    addresses = guard.resolve(target.host, target.port, ports=PORTS)
    if target.scheme == "http" and not plain and not all(address.inside for address in addresses):
        raise Unreachable("Use https://: over http anybody on the way could answer.", Why.REFUSED)
    sent = {"Host": target.authority, "User-Agent": AGENT, "Accept-Encoding": "identity", "Connection": "close"}
    if method == "POST":
        sent["Content-Length"] = str(len(body))
    where = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    pinned = Pinned(addresses, until=until)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=pinned) as pool,
            pool.stream(method, where, headers=list({**sent, **headers}.items()), content=body) as answer,
        ):
            return Answer(answer.status, _headers(answer.headers), _body(answer.iter_stream(), most_bytes))
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise Unreachable(f"{target.host} took longer than {timeout:g} s.", Why.TIMEOUT) from error
    except ssl.SSLError as error:
        raise Unreachable(trust.sentence(error, target.host), Why.TLS) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise Unreachable(f"{target.host} broke off, or does not speak HTTP.", Why.ANSWER) from error


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in raw:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


def _body(parts: Iterable[bytes], most: int) -> bytes:
    whole = bytearray()
    for part in parts:
        whole += part
        if len(whole) > most:
            raise Unreachable(f"The answer is longer than {most} bytes.", Why.ANSWER)
    return bytes(whole)
