"""Where a name leads to, address by address, as browsers hear of it."""

import pytest

from balancer.haproxy.naming import FIRST_ADDRESS
from tests.conftest import World
from tests.db.status.frames import ONE, TWO, name, server
from tests.live.status.conftest import Site
from tests.live.status.test_sockets import dial, frame, observe, token

pytestmark = pytest.mark.live


async def test_each_address_of_a_name_is_told_on_its_own(site: Site, committed: World) -> None:
    ours = committed.ours
    here, there = (f"{ONE}{FIRST_ADDRESS + number}" for number in (1, 2))
    await observe(site, {name(ours, here): server(), name(ours, there): server(), name(ours, TWO): server()})
    async with dial(site, await token(committed.viewer, ours)) as socket:
        first = (await frame(socket))["data"]["backends"]
        assert first[ONE[1:]]["addresses"][there] == {"oper": "up", "nodes": {"n1": "up", "n2": "up"}}
        assert "addresses" not in first[TWO[1:]]
        await observe(site, {name(ours, there): server("down")}, on=("n2",))
        told = (await frame(socket))["data"]["backends"]
        assert told[ONE[1:]]["oper"] == "up", "requests go to the other one"
        assert told[ONE[1:]]["addresses"] == {
            here: {"oper": "up", "nodes": {"n1": "up", "n2": "up"}},
            there: {"oper": "down", "nodes": {"n1": "up", "n2": "down"}},
        }
