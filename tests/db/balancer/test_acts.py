"""Acts on rows that changed, or went, since they were read."""

from typing import Any

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError

from balancer import enqueue
from balancer.models import Backend
from balancer.services import backends, pools
from tenants.errors import Conflict, NotFound
from tenants.scope import tenant_scope
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


def test_a_pool_that_went_in_the_meantime_is_not_found(world: World) -> None:
    pool = build.pool(world.ours)
    with tenant_scope(world.ours):
        pools.delete(pool, by=build.actor(), now=timezone.now())
        for act in (
            lambda: pools.update(pool, {"name": "late"}, by=build.actor(), now=timezone.now()),
            lambda: pools.delete(pool, by=build.actor(), now=timezone.now()),
            lambda: backends.add(pool, backends.NewBackend("10.0.0.1:80"), by=build.actor(), now=timezone.now()),
        ):
            with pytest.raises(NotFound, match="deleted in the meantime"):
                act()


@pytest.mark.parametrize("act", [backends.drain, backends.maintain])
def test_the_last_ready_backend_is_told_by_what_it_is_now(world: World, act: type) -> None:
    backend = build.backend(world.ours, admin="drain")
    with tenant_scope(world.ours):
        read_before = Backend.objects.get(pk=backend.pk)
        backends.ready(backend, by=build.actor(), now=timezone.now())
        with pytest.raises(Conflict, match="last ready backend"):
            act(read_before, by=build.actor(), now=timezone.now())
        assert Backend.objects.get(pk=backend.pk).admin == "ready"


def test_a_patch_keeps_what_it_does_not_name_and_a_put_does_not(world: World) -> None:
    api = build.api(world.owner, world.ours)
    pool = build.pool(world.ours, check_path="/up", check_rise=7, retries=5)
    patched = api.patch(f"/api/pools/{pool.pk}", {"health_check": {"fall": 9}}).json()
    check = patched["health_check"]
    assert (check["path"], check["rise"], check["fall"], patched["retries"]) == ("/up", 7, 9, 5)
    put = api.put(f"/api/pools/{pool.pk}", {"name": pool.name, "health_check": {"fall": 9}}).json()
    check = put["health_check"]
    assert (check["path"], check["rise"], check["fall"], put["retries"]) == ("/", 2, 9, 2)


def test_a_broker_that_is_away_does_not_fail_what_is_committed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("balancer.enqueue.current_app.send_task", away)
    enqueue.cut(world.ours.pk)
    enqueue.converge("n", "{}", "")


def test_a_change_of_admin_is_held_to_the_same_guard_as_the_act(world: World) -> None:
    backend = build.backend(world.ours)
    api = build.api(world.owner, world.ours)
    answer = api.patch(f"/api/backends/{backend.pk}", {"admin": "maint"})
    assert (answer.status_code, answer.json()["code"]) == (409, "last_backend")
    build.backend(world.ours, backend.pool)
    assert api.patch(f"/api/backends/{backend.pk}", {"admin": "maint"}).status_code == 200


def test_a10_a_region_comes_back_as_it_was_sent_and_finds_its_backends(world: World) -> None:
    api = build.api(world.owner, world.ours)
    pool = build.pool(world.ours).pk
    for address, region in (("10.0.0.1:80", "eu-west/Lyon"), ("10.0.0.2:80", "São Paulo"), ("10.0.0.3:80", None)):
        made = api.post("/api/backends", {"pool": pool, "address": address, "region": region}).json()
        assert api.get(f"/api/backends/{made['id']}").json()["region"] == region
    found = api.get("/api/backends?region=S%C3%A3o+Paulo").json()["items"]
    assert [one["address"] for one in found] == ["10.0.0.2:80"]
    assert api.patch(f"/api/backends/{found[0]['id']}", {"region": "us"}).json()["region"] == "us"
    assert api.get("/api/backends?region=S%C3%A3o+Paulo").json()["items"] == []
