"""Fetch a node's key from the console, with the one-time key that staff were shown there."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

from veloflux_site.local.say import CannotGoOnError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SECONDS = 30
MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Fetched:
    id: str
    name: str
    cluster: str
    key: str
    broker_url: str

    def settings(self) -> dict[str, str]:
        return {
            "VELOFLUX_NODE_ID": self.id,
            "VELOFLUX_NODE_NAME": self.name,
            "VELOFLUX_NODE_KEY": self.key,
            "VELOFLUX_NODE_BROKER_URL": self.broker_url,
        }


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The key is for the console that was named, and for nobody that it names."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        raise CannotGoOnError(f"{req.full_url} leads elsewhere ({newurl}). Name the console's own address.")


def check(url: str) -> str:
    """The console's address, without what follows it. Raises CannotGoOnError where the key would go over the network in
    the clear."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise CannotGoOnError(f"{url!r} is no address of a console; it begins with https://.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise CannotGoOnError(
            f"{url} is not encrypted: who listens on the way would have the node's key. Use https:// (an authority of "
            "your own is believed with SSL_CERT_FILE=/path/to/ca.pem)."
        )
    return f"{parts.scheme}://{parts.netloc}"


def fetch(url: str, one_time: str, *, known: Iterable[str] = ()) -> Fetched:
    """Use the one-time key up. `known`: ids of the nodes that are here, if it is to be one of theirs. Raises
    CannotGoOnError with what the console said."""
    body = json.dumps({"key": one_time, "nodes": sorted(known)}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "veloflux-node"}
    request = urllib.request.Request(f"{check(url)}/api/nodes/join", body, headers, method="POST")  # noqa: S310 - checked
    # A proxy is for what lies beyond this machine.
    around = [urllib.request.ProxyHandler({})] if urlsplit(url).hostname in LOOPBACK else []
    opener = urllib.request.build_opener(_NoRedirects, *around)
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return _read(json.loads(answer.read(MOST_BYTES)))
    except urllib.error.HTTPError as error:
        raise CannotGoOnError(_said(error)) from error
    except ssl.SSLCertVerificationError as error:
        raise CannotGoOnError(
            f"{url} showed a certificate that is not believed here: {error.verify_message}."
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CannotGoOnError(
            f"The console at {url} did not answer as one: {reason}. The key may still be good."
        ) from error


def _read(told: Any) -> Fetched:
    try:
        return Fetched(**{name: str(told[name]) for name in ("id", "name", "cluster", "key", "broker_url")})
    except (KeyError, TypeError) as error:
        raise ValueError(f"its answer lacks {error}") from error


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return f"The console refused: {json.loads(error.read(MOST_BYTES))['detail']}"
    except (OSError, ValueError, KeyError, TypeError):
        return f"The console refused: {error.code} {error.reason}."
