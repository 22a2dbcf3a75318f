"""Rows 3 and 4: a change on a fleet of 1,000 tenants × 10 pools × 4 backends, against the same at ten tenants."""

import statistics
import time
from collections.abc import Iterator

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from balancer.fleet.models import Act, Node, Outcome
from balancer.models import Backend, Pool, Route
from balancer.services import edits, hosts, placements, revisions, turns
from billing.models import Subscription
from tenants.actor import SYSTEM
from tenants.ids import new_id
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tenants.services.schemas import provision
from tests.bench.measure import Figure, Samples, ms
from tests.bench.road import Site, change_until_seen
from tests.live.load import serves
from tests.live.origins import origins
from tests.live.runtime import pid, say
from tests.live.stack import Stack, until

POOLS, BACKENDS = 10, 4


def grow(names: list[str], *, pools: int = POOLS, backends: int = BACKENDS) -> list[Tenant]:
    """A tenant of each name: schema, pools, backends, a route per pool, cut into a snapshot; nodes are not told yet."""
    return [one(name, pools, backends) for name in names]


def one(name: str, pools: int, backends: int) -> Tenant:
    now, key = timezone.now(), new_id()
    with platform_scope(), transaction.atomic():
        tenant = Tenant(id=key, schema_name=provision.schema_name(key), slug=name, name=name, created_at=now)
        tenant.save()
        Subscription.objects.create(tenant=tenant, plan_id="custom")
        provision.create(tenant)
        placements.place(tenant)
    with tenant_scope(tenant):
        fill(name, pools, backends)
        with turns.one_at_a_time(tenant.pk):
            gathered = revisions.gather(tenant.pk, now=now)
            if gathered is not None:  # else a control worker was first
                revisions.keep(tenant.pk, gathered, now=now)
    return tenant


@transaction.atomic
def fill(name: str, pools: int, backends: int) -> None:
    now = timezone.now()
    made = Pool.objects.bulk_create(
        Pool(name=f"pool {n}", check_type="none", created_at=now, updated_at=now) for n in range(pools)
    )
    Backend.objects.bulk_create(
        Backend(pool=pool, ip=f"127.{1 + m // 250}.{n % 250}.{m % 250 + 1}", port=9, created_at=now, updated_at=now)
        for n, pool in enumerate(made)
        for m in range(backends)
    )
    host = f"{name}.fleet.test"
    hosts.claim(host)
    Route.objects.bulk_create(
        Route(host=host, path_prefix=f"/p{n}", pool=pool, created_at=now, updated_at=now)
        for n, pool in enumerate(made[:POOLS])
    )
    edits.record(Act.CREATE, made[0], by=SYSTEM, now=now)


def everywhere(stack: Stack, *, within: float) -> None:
    """Wait until every node runs the newest generation, and no reload is due any more."""
    with platform_scope():
        done = Q(generation__gte=F("cluster__generation"), outcome=Outcome.CONVERGED)
        until(
            lambda: not Node.objects.exclude(done).exists(),
            within=within,
            every=0.2,
            what="a converged fleet",
        )
    time.sleep(2)


def growth(stack: Stack, tenants: int) -> Iterator[Figure]:
    with origins("one", "two") as started, stack.api() as api:
        site = Site(stack, api, started, "fleet-bench.test")
        grow([f"few{n}" for n in range(9)])
        everywhere(stack, within=60)
        few = weights(site)
        start = time.perf_counter()
        grow([f"many{n}" for n in range(tenants - 10)])
        built = time.perf_counter() - start
        everywhere(stack, within=600)
        many = weights(site)
        ratio = many.median / few.median
        yield Figure(
            "4",
            f"a weight, {tenants} tenants × {POOLS} × {BACKENDS} (built in {ms(built)})",
            str(many),
            f"at 10 tenants {few}",
            ratio,
            "≤ 1.2 ×",
            ratio <= 1.2,
        )
        yield from structural(site)


def weights(site: Site) -> Samples:
    numbers = iter(range(1, 60))
    return change_until_seen(
        site,
        site.backends[0],
        numbers,
        lambda w: site.api.post(f"/backends/{site.backends[0]}/weight", json={"weight": w}),
        lambda line, w: line[7] == str(w),
    )


def structural(site: Site) -> Iterator[Figure]:
    bare, ours = Samples(), Samples()
    for number in range(5):
        bare.add(bare_reload(site))
        time.sleep(4)
        ours.add(new_pool(site, number))
        time.sleep(4)
    ratio = statistics.median(ours.values) / statistics.median(bare.values)
    yield Figure(
        "3",
        "a new pool: API → serving on both nodes",
        str(ours),
        f"bare reload of the same files, both nodes {bare}",
        ratio,
        "≤ 3 s, ≤ 1.5 ×",
        ours.median <= 3 and ratio <= 1.5,
    )


def bare_reload(site: Site) -> float:
    """HAProxy alone: both masters told to reload at once, until both new workers answer. Afterwards the nodes have seen
    that somebody else did it, and looked at all they have: that is no part of what comes next."""
    looked = [looks(site, node.name) for node in site.stack.nodes]
    was = [pid(node) for node in site.stack.nodes]
    start = time.perf_counter()
    for node in site.stack.nodes:
        tell(node.folder, "reload")
    for node, before in zip(site.stack.nodes, was, strict=True):
        until(lambda n=node, b=before: pid(n) != b, within=60, every=0.005)  # type: ignore[misc]
    took = time.perf_counter() - start
    for node, before in zip(site.stack.nodes, looked, strict=True):
        until(lambda n=node.name, b=before: looks(site, n) > b, within=120, every=0.2)  # type: ignore[misc]
    everywhere(site.stack, within=120)
    return took


def looks(site: Site, node: str) -> int:
    """How often it has looked at everything."""
    return site.stack.programs[f"edge-{node}"].log.read_text(errors="replace").count('"event": "repair"')


def tell(folder: object, command: str) -> None:
    """Without waiting for the answer: newer masters give it after the reload."""
    import socket

    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(f"{folder}/run/master.sock")
        sock.sendall(command.encode() + b"\n")


def new_pool(site: Site, number: int) -> float:
    start = time.perf_counter()
    pool = site.make("/pools", {"name": f"structural {number}", "health_check": {"type": "none"}})["id"]
    backend = site.backends[0]
    address = site.api.get(f"/backends/{backend}").json()["address"]
    site.make("/backends", {"pool": pool, "address": address})
    host = f"structural{number}.test"
    site.make("/routes", {"host": host, "pool": pool})
    for node in site.stack.nodes:
        until(serves(node.http_port, host), within=60, every=0.005)
    assert f"p{pool}" in say(site.stack.nodes[0], "show stat -1 2 -1")
    return time.perf_counter() - start
