"""Where clients come in: the ports that everybody shares, and how a listener is reached."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from balancer.models import Listener


@dataclass(frozen=True, slots=True)
class Shared:
    """One that belongs to nobody alone. `http` and `https` lead on by routes, `tls_passthrough` by listeners."""

    id: str
    kind: str
    port: int
    endpoint: str
    editable: bool = False


def shared() -> list[Shared]:
    return [Shared(kind, kind, port, f"{place()}:{port}") for kind, port in settings.SHARED_PORTS.items() if port]


def named(pk: str) -> Shared | None:
    return next((one for one in shared() if one.id == pk), None)


def endpoint(listener: Listener) -> str:
    """`host:port`, as a client is told."""
    if listener.port:
        return f"{place()}:{listener.port}"
    return f"{listener.host}:{settings.SHARED_PORTS['tls_passthrough']}"


def place() -> str:
    """The name that the nodes are reached by."""
    return urlsplit(settings.TRAFFIC_URL).hostname or "localhost"
