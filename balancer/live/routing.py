"""Which socket is where: each under `/ws/` and `/api/ws/`, with or without a slash at its end."""

import re
from typing import Any

from balancer.live import consumers
from balancer.live.origin import Asgi, origin_gate

PATH = re.compile(r"/(?:api/)?ws/([a-z]+)/?")
SOCKETS = {
    "backends": consumers.BackendsConsumer,
    "metrics": consumers.MetricsConsumer,
    "status": consumers.StatusConsumer,
    "console": consumers.ConsoleConsumer,
}


def sockets() -> Asgi:
    """The ASGI application for `websocket` scopes."""
    applications: dict[str, Any] = {name: consumer.as_asgi() for name, consumer in SOCKETS.items()}
    nowhere: Any = consumers.Nowhere.as_asgi()

    async def route(scope: Any, receive: Any, send: Any) -> None:
        path = PATH.fullmatch(scope["path"])
        await applications.get(path[1] if path else "", nowhere)(scope, receive, send)

    return origin_gate(route)
