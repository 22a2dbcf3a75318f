"""A tenant with a provider of its own, on a real socket."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from tests.conftest import World
from tests.db.sso.journey import BASE, Journey, configure
from tests.live.oidc.provider import Provider


@pytest.fixture(autouse=True)
def loopback_is_outside(settings: Any) -> None:
    """The console goes out to the test's provider; everything else stays forbidden."""
    settings.OUTBOUND_ALLOWED = [ip_network("127.0.0.1/32")]
    settings.BASE_URL = BASE


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider(
        people={
            "ana": {"sub": "s-ana", "email": "Ana@Acme.test", "email_verified": True, "given_name": "Ana"},
            "rui": {"sub": "s-rui", "email": "rui@acme.test", "email_verified": True},
        }
    )
    yield made
    made.stop()


@pytest.fixture
def sso(world: World, provider: Provider) -> Callable[..., Any]:
    """Switch single sign-on on for `ours`: `sso(create_members=True)`."""

    def switch_on(**wanted: Any) -> Any:
        return configure(world.ours, provider, by=world.owner, **wanted)

    return switch_on


@pytest.fixture
def journey(world: World, provider: Provider) -> Journey:
    return Journey(provider, world.ours.slug)
