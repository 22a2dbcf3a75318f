"""A filter for every listed field, and each of them filters."""

from typing import Any

import pytest

from tenants.restkit.filters import Filter
from tenants.restkit.routers import MOUNTED, Mount
from tests import build
from tests.conftest import World
from tests.db.restkit.routes import endpoints

endpoints()  # importing the URLs is what mounts
LISTS = [
    mount
    for mount in MOUNTED
    if hasattr(mount.viewset, "list") and getattr(mount.viewset, "queryset", None) is not None
]
# What no column holds as one value: looked up, computed for the reader, or a tree of its own.
NOT_ONE_VALUE = {
    "pools": {"health_check", "timeouts", "sticky", "tls", "status"},
    "backends": {"status", "drain", "resolution"},
    "routes": {"action", "rewrite", "cors", "maintenance", "cache"},
    "listeners": {"endpoint", "idle_timeout", "status"},
    "deployments": {"steps"},
    "imports": {"counts", "fates", "revision"},
    "tenants": {"role", "stats"},
    "domains": {"record", "file"},
    "audit": {"id", "before", "after"},
    "changes": {"id", "before", "after"},
    "nodes": {"status", "key"},
    "ws/control": {"paused"},
    "profile/sessions": {"second_factor", "current", "browser"},
}


def names(mount: Mount) -> tuple[set[str], set[str]]:
    """The fields that a list shows, and the filters that it has."""
    view: Any = mount.viewset()
    view.action, view.kwargs = "list", {}
    shown = {name for name, field in view.get_serializer_class()().fields.items() if not field.write_only}
    return shown, set(Filter().get_filterset_class(view, view.queryset).base_filters)


@pytest.mark.parametrize("mount", LISTS, ids=lambda mount: mount.prefix)
def test_every_listed_field_has_a_filter(mount: Mount) -> None:
    shown, filters = names(mount)
    missing = {name for name in shown if name not in filters and f"{name}_after" not in filters}
    assert missing == NOT_ONE_VALUE.get(mount.prefix.rpartition(")/")[2], set())


def listed(world: World, query: str) -> list[str]:
    answer = build.api(world.owner, world.ours).get(f"/api/{query}")
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()["items"]]


def test_what_nobody_named_filters_too(world: World) -> None:
    one = build.pool(world.ours, tags=["eu", "web"], retries=1)
    two = build.pool(world.ours, tags=["us"], retries=3)
    assert listed(world, "pools?tags=eu") == [one.pk]
    assert listed(world, "pools?tags=e") == []
    assert listed(world, "pools?retries=3") == [two.pk]
    assert listed(world, f"pools?id={two.pk}") == [two.pk]
    moment = one.created_at.isoformat().replace("+", "%2B")
    assert listed(world, f"pools?created_at_before={moment}") == []
    assert listed(world, f"pools?created_at_after={moment}&retries=1") == [one.pk]
    backend = build.backend(world.ours, one, address="10.1.2.3:8080")
    spare = build.backend(world.ours, one, address="10.1.2.3:8081", backup=True)
    assert listed(world, "backends?address=10.1.2.3:8080") == [backend.pk]
    assert listed(world, f"backends?pool={one.pk}&backup=true") == [spare.pk]
    assert listed(world, f"backends?pool={one.pk}&backup=false") == [backend.pk]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("pools?retries=many", "/retries"),
        ("pools?created_at_after=yesterday", "/created_at_after"),
        ("backends?address=here", "/address"),
        ("backends?backup=perhaps", "/backup"),
        ("backends?weight=heavy", "/weight"),
        ("pools?description=%00", "/description"),
        ("pools?colour=red", "/colour"),
        ("deployments?search=red", "/search"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(world: World, query: str, pointer: str) -> None:
    answer = build.api(world.owner, world.ours).get(f"/api/{query}")
    assert answer.status_code == 422, answer.content
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
