"""What the database holds, and what HAProxy runs: read past the product."""

from dataclasses import dataclass
from typing import Any

import psycopg

from tests.live.load import ask
from tests.live.restarts.writers import Written
from tests.live.runtime import say
from tests.live.stack import NodeUnderTest, Stack

NOBODYS = 421  # what HAProxy answers for a host that it does not know


@dataclass(frozen=True, slots=True)
class Rows:
    """The demo tenant's: id → host, name or weight; and what its edits say, (kind, id) → fields after the last one."""

    routes: dict[str, str]
    pools: dict[str, str]
    weights: dict[str, int]
    edits: dict[tuple[str, str], dict[str, Any]]
    uncut: int
    deployments: dict[str, int]  # of every revision, by state
    newest: list[str]  # the states of the newest revision's, a node each

    def things(self) -> set[tuple[str, str]]:
        listed = (("route", [*self.routes]), ("pool", [*self.pools]), ("backend", [*self.weights]))
        return {(kind, key) for kind, ids in listed for key in ids}


def rows(database_url: str) -> Rows:
    with psycopg.connect(database_url) as db:  # one snapshot of everything
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        db.execute("SELECT set_config('veloflux.tenant', '*', false)")
        found = db.execute("SELECT id, schema_name FROM tenants_tenant WHERE slug = 'demo'").fetchone()
        assert found
        tenant, schema = found
        db.execute("SELECT set_config('search_path', %s, false)", [f"{schema}, public"])
        newest = (
            "SELECT state FROM fleet_deployment WHERE tenant_id = %s AND revision_id = (SELECT id FROM fleet_revision "
            "WHERE tenant_id = %s ORDER BY number DESC LIMIT 1)"
        )
        return Rows(
            dict(db.execute("SELECT id, host FROM balancer_route")),
            dict(db.execute("SELECT id, name FROM balancer_pool")),
            dict(db.execute("SELECT id, weight FROM balancer_backend")),
            _edits(db, tenant),
            len(db.execute("SELECT FROM fleet_edit WHERE revision_id IS NULL").fetchall()),
            dict(db.execute("SELECT state, count(*) FROM fleet_deployment GROUP BY state")),
            [state for (state,) in db.execute(newest, [tenant, tenant])],
        )


def _edits(db: psycopg.Connection[tuple[Any, ...]], tenant: str) -> dict[tuple[str, str], dict[str, Any]]:
    known: dict[tuple[str, str], dict[str, Any]] = {}
    query = "SELECT act, kind, object_id, after FROM fleet_edit WHERE tenant_id = %s ORDER BY id"
    for act, kind, key, after in db.execute(query, [tenant]):
        if act == "create":
            assert (kind, key) not in known, f"{kind} {key} was created twice"
            known[kind, key] = after
        elif act == "delete":
            del known[kind, key]
        else:
            known[kind, key] |= after
    return known


def half_done(found: Rows) -> list[str]:
    """Rows without an edit, edits without a row, and weights that no edit speaks of."""
    things = found.things()
    differing = [f"{kind} {key}: a row, no edit" for kind, key in things - found.edits.keys()]
    differing += [f"{kind} {key}: an edit, no row" for kind, key in found.edits.keys() - things]
    for key, weight in found.weights.items():
        said = found.edits.get(("backend", key), {}).get("weight")
        differing += [f"backend {key}: weight {weight}, its edits say {said}"] if said != weight else []
    return differing


def lost(written: Written, found: Rows) -> list[str]:
    """What was acknowledged, and is not in the database."""
    missing = [f"route {host}" for host, key in written.routes.items() if found.routes.get(key) != host]
    missing += [f"pool {name}" for name, key in written.pools.items() if found.pools.get(key) != name]
    for key, possible in written.weights.items():
        missing += [f"weight {possible} of {key}"] if found.weights.get(key) not in possible else []
    return missing


def unsettled(stack: Stack, found: Rows, *, site: str) -> list[str]:
    """Why the road is not at its end yet; empty when every node runs all of it and every deployment is closed."""
    reasons = [f"{found.uncut} edits are not cut"] if found.uncut else []
    if found.newest != ["live"] * len(stack.nodes) or found.deployments.keys() - {"live", "superseded"}:
        reasons.append(f"deployments {found.deployments}, of the newest revision {found.newest}")
    for node in stack.nodes:
        reasons += [f"{node.name}: {reason}" for reason in not_running(node, found, site=site)]
    return reasons


def not_running(node: NodeUnderTest, found: Rows, *, site: str) -> list[str]:
    """What the database holds and this HAProxy, by its own word and by an answer, does not."""
    pools, weights = shown(node)
    absent = [f"pool {key}" for key in found.pools if key not in pools]
    absent += [
        f"weight {weights.get(key)} of {key}, not {wanted}"
        for key, wanted in found.weights.items()
        if weights.get(key) != wanted
    ]
    # The last ones first: they are what is missing, and then the rest need not be asked yet.
    for host in reversed(found.routes.values()):
        tally = ask(node.http_port, host)
        # The origins of other sites are gone.
        if tally.statuses[NOBODYS] or (host.endswith(site) and not tally.statuses[200]):
            return [*absent, f"{host} is answered {dict(tally.statuses)} {tally.failures}"]
    return absent


def shown(node: NodeUnderTest) -> tuple[set[str], dict[str, int]]:
    """Pools and the weights of servers, by our ids, out of `show stat` (management.txt 9.1: 0 pxname, 1 svname,
    18 weight)."""
    pools, weights = set(), {}
    for line in say(node, "show stat -1 6 -1").splitlines():
        fields = line.split(",")
        proxy, server = fields[0], fields[1] if len(fields) > 18 else ""
        if server == "BACKEND":
            pools.add(proxy.rpartition("_p")[2])
        elif server.startswith("b") and "_p" in proxy:
            weights[server.removeprefix("b")] = int(fields[18])
    return pools, weights
