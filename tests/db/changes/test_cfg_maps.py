"""An haproxy.cfg that is sent together with its maps."""

import pytest

from balancer.models import Route
from tenants.scope import tenant_scope
from tests.db.changes.conftest import Fleet

CFG = """\
frontend web
    mode http
    bind :80
    use_backend %[req.hdr(host),lower,map(/etc/haproxy/hosts.map)]
    default_backend site
backend site
    mode http
    server one 127.0.0.1:9001
backend shop
    mode http
    server two 127.0.0.1:9002
"""


def test_a_map_becomes_routes(fleet: Fleet) -> None:
    body = {"haproxy": CFG, "files": {"hosts.map": "shop.test shop\nb.test site\n"}}
    done = fleet.post("config/import", body)
    assert done["lines"][3]["fate"] == "managed"
    assert done["report"]
    with tenant_scope(fleet.tenant):
        led = {route.host: route.pool.name for route in Route.objects.select_related("pool") if route.pool}
    assert led == {"shop.test": "shop", "b.test": "site"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"haproxy": CFG}, "/lines/4"),
        ({"haproxy": CFG, "files": {"hosts.map": 3}, "x": 1}, "/x"),
        ({"haproxy": CFG, "files": ["hosts.map"]}, "/files"),
    ],
)
def test_what_is_missing_or_strange_is_refused(fleet: Fleet, body: dict[str, object], pointer: str) -> None:
    refused = fleet.post("config/import?host=a.test", body, status=422)
    assert refused["errors"][0]["pointer"] == pointer
