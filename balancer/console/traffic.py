"""The command that reaches a route."""

import shlex
from urllib.parse import urlsplit

from django.conf import settings

from balancer.haproxy.routing import PathMatch
from balancer.models import Route

LOCAL = ("localhost", "127.0.0.1", "::1")


def curl(route: Route) -> str:
    """As one types it. A name that DNS need not know is sent as a header; a wildcard gets a name below it."""
    host = route.host.replace("*", "www", 1)
    base = settings.TRAFFIC_URL.rstrip("/")
    port = urlsplit(base).port
    name = f"{host}:{port}" if port else host
    path = "/" if route.path_match == PathMatch.REGEX else route.path_prefix
    return shlex.join(["curl", "-i", "-H", f"Host: {name}", f"{base}{path}"])
