"""The objects of a tenant, read past the models, are what the models say."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from balancer.haproxy.route_columns import PLAIN
from balancer.models import Backend, Listener, Pool, Route
from balancer.queries import objects
from tenants.scope import tenant_scope
from tests.conftest import World

BEGAN = datetime(2026, 11, 22, tzinfo=UTC)
TEXTS = ("", "plain", "ünïcödé 漢字", "a 'quote', a \"second\" \\ and\na line", ".000000", "null")
DOCUMENTS: tuple[Any, ...] = (
    [], {}, ["a", "ü'"], {"X-Key": "hush"}, {"b": 1, "aa": [None, 1.5, True]}, {"type": "pool"}, [{"op": "equals"}], 0,
)  # fmt: skip
EACH = 40


class Some:
    """Values that each column takes, its default among them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def row(self, model: type[models.Model], **given: Any) -> Any:
        columns = {field.attname: self.value(field) for field in objects.columns_of(model)}
        del columns["id"]
        return model(**{**columns, "updated_at": BEGAN, **given})

    def value(self, field: "models.Field[Any, Any]") -> Any:
        if (field.has_default() or field.null) and self.random.random() < 0.5:
            return field.get_default()
        match field:
            case models.JSONField():
                return self.random.choice(DOCUMENTS)
            case models.DateTimeField():
                whole = BEGAN + timedelta(seconds=self.random.randrange(10**6))
                return whole + timedelta(microseconds=self.random.choice((0, 1, 120_000, 999_999)))
            case models.BooleanField():
                return self.random.random() < 0.5
            case models.IntegerField():
                return self.random.randrange(1, 11)
            case models.ForeignKey():
                return None
        told = self.random.choice([*(one for one, _ in field.flatchoices)] or TEXTS)
        return told[: field.max_length]


def fill(some: Some) -> None:
    usual = Pool._meta.get_field("check_interval_ms").get_default()
    made = Pool.objects.bulk_create(some.row(Pool, name=f"p{n}", check_interval_ms=usual + n % 2) for n in range(EACH))
    made = list(Pool.objects.order_by("pk"))
    first = made[0].pk
    Pool.objects.filter(name__endswith="7").update(backup_pool=first)
    for n, pool in enumerate(made):
        named = n % 3 == 0
        place = (
            {"ip": None, "host": f"h{n}.test"} if named else {"ip": ("10.0.0.1", "2001:db8::7")[n % 2], "host": None}
        )
        Backend.objects.bulk_create([some.row(Backend, pool_id=pool.pk, weight=n, admin="drain", **place)])
        Route.objects.bulk_create([some.row(Route, host=f"r{n}.test", pool_id=(pool.pk, None)[n % 2])])
        way = {"kind": "tcp", "port": 1000 + n, "host": None}
        if named:
            way = {"kind": "tls_passthrough", "port": None, "host": f"l{n}.test"}
        Listener.objects.bulk_create([some.row(Listener, pool_id=pool.pk, idle_timeout_ms=2000 + n, **way)])


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_what_is_read_at_once_is_what_the_models_say(world: World, seed: int) -> None:
    with tenant_scope(world.ours):
        fill(Some(seed))
        with CaptureQueriesContext(connection) as queries:
            found = objects.current()
        assert len(queries) == 1
        for kind, model in objects.KINDS.items():
            expected = {one.pk: objects.row_of(one) for one in model._default_manager.all()}
            assert len(expected) >= EACH
            assert found[kind] == expected
            assert list(found[kind]) == sorted(expected)
            for pk, row in expected.items():
                assert list(found[kind][pk]) == list(row), "in the order of the columns"


@pytest.mark.django_db
def test_nothing_is_read_of_empty_tables(world: World) -> None:
    with tenant_scope(world.ours):
        assert objects.current() == {kind: {} for kind in objects.KINDS}


def test_a_route_of_defaults_is_plain() -> None:
    usual = objects.defaults_of("route")
    assert {name: usual[name] for name in PLAIN} == PLAIN
