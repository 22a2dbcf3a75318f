"""A backend's name in HAProxy, and back."""

import pytest

from balancer.haproxy import codec
from balancer.haproxy.desired import Pool, Server, Tenant
from balancer.haproxy.naming import ID_LENGTH, id_and_moves, server_key
from tenants import ids


@pytest.mark.parametrize("moves", [0, 1, 12])
def test_a_backend_that_moves_gets_another_name_that_leads_back(moves: int) -> None:
    key = server_key("a2b3c4d5e6f7", moves)
    assert ids.LENGTH == ID_LENGTH
    assert id_and_moves(key) == ("a2b3c4d5e6f7", moves)
    tenant = Tenant("taaaaaaaaaaaa", (Pool("paaaaaaaaaaaa", servers=(Server(key, "10.0.0.1", 80),)),))
    assert codec.from_json(codec.to_json(tenant)) == tenant, "nodes take the name"
