"""Rows 5 and 6: desired state from the database, and rendering, against a bare loop of f-strings."""

from collections.abc import Iterator

from django.db import connection
from django.test.utils import CaptureQueriesContext

from balancer.haproxy.desired import Pool, Server, Tenant
from balancer.haproxy.render import render_shard
from balancer.queries import desired_state
from tenants.models import Tenant as TenantRow
from tenants.scope import tenant_scope
from tests.bench.measure import Figure, ms, timed

POOLS, SERVERS = 1000, 4


def tenant_of_values() -> Tenant:
    return Tenant("tbenchbenchben", tuple(pool_of_values(number) for number in range(POOLS)))


def pool_of_values(number: int) -> Pool:
    network = f"10.{number // 250}.{number % 250}"
    servers = tuple(Server(f"b{number:07}{s:05}", f"{network}.{s + 1}", 8080) for s in range(SERVERS))
    return Pool(f"p{number:012}", servers=servers)


def bare_loop(tenant: Tenant) -> str:
    """The least that any renderer must do: the lines, from the values, with no check at all."""
    lines = []
    for pool in tenant.pools:
        c, t = pool.health_check, pool.timeouts
        lines.append(f"backend {tenant.key}_{pool.key} from http\n    balance roundrobin\n    retries {pool.retries}\n")
        lines.append(
            f"    timeout connect {t.connect_ms}\n    timeout server {t.server_ms}\n    timeout queue {t.queue_ms}\n"
        )
        lines.append(
            f"    option httpchk\n    http-check send meth {c.method} uri {c.path}\n    timeout check {c.timeout_ms}\n"
        )
        lines.extend(
            f"    server {s.key} {s.address}:{s.port} weight {s.weight} check inter {c.interval_ms} "
            f"rise {c.rise} fall {c.fall} pool-max-conn -1 pool-purge-delay 5s\n"
            for s in pool.servers
        )
    return "".join(lines)


def rendering() -> Iterator[Figure]:
    tenant = tenant_of_values()
    floor = timed(lambda: bare_loop(tenant), times=15)
    ours = timed(lambda: render_shard([tenant]), times=15)
    ratio = ours.median / floor.median
    yield Figure(
        "6",
        f"render {POOLS} pools × {SERVERS} backends",
        str(ours),
        f"bare f-strings {ms(floor.median)}",
        ratio,
        "≤ 15 ms, ≤ 4 ×",
        ours.median <= 0.015 and ratio <= 4,
    )


def desired(tenant: TenantRow) -> Iterator[Figure]:
    """`tenant` has POOLS pools of SERVERS backends."""
    with tenant_scope(tenant):
        with CaptureQueriesContext(connection) as queries:
            desired_state.of(tenant)
        load = timed(lambda: render_shard([desired_state.of(tenant)]), times=7)

        def floor() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT * FROM balancer_pool")
                cursor.fetchall()
                cursor.execute("SELECT * FROM balancer_backend")
                cursor.fetchall()

        bare = timed(floor, times=7)
    yield Figure(
        "5",
        f"load and render {POOLS} pools × {SERVERS} backends: {len(queries)} queries",
        str(load),
        f"bare SELECT of the rows {ms(bare.median)}",
        load.median / bare.median,
        "≤ 20 queries, ≤ 250 ms",
        len(queries) <= 20 and load.median <= 0.25,
    )
