"""Row 2: a day of changes (`day.txt`), played through the API in its order; which of them made a node reload.

What is counted are changes, not reloads: one call is one change. Each is let go live on every node before the next is
made, as at the day's own pace nearly all would, so that none shares a revision or a reload with another, and the
deployments of its revision tell of it alone. A change that traffic does not see makes no revision, and needed nothing.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.bench.day import DAY, Call, Kind, read
from tests.bench.measure import Figure
from tests.live.stack import Stack

WAIT = {"Prefer": "wait=30"}
SETTINGS = ("rate-limit", "security-headers")  # a tenant has one of each
WANTED = 0.95


@dataclass(frozen=True, slots=True)
class Took:
    """What a change took: a command, a reload, both or neither."""

    reload: bool = False
    commands: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """`really`: what the nodes' deployments say. `foretold`: what the impact line says of the same."""

    call: Call
    really: Took = Took()
    foretold: Took = Took()


@dataclass(slots=True)
class Account:
    """A tenant of the day: what it calls things → their ids."""

    id: str
    api: httpx.Client
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    revision: int = 0

    def play(self, call: Call) -> None:
        """Make the call, and wait until every node runs it."""
        answer = self.sent(call)
        assert answer.is_success, f"{call}: {answer.text[:500]}"
        told = answer.json()
        if call.verb == "add":
            self.ids[call.resource, call.name] = told["id"]
        change = told["change"]
        assert change["state"] == "live", f"{call}: {change}"
        self.revision = change["revision"]

    def sent(self, call: Call) -> httpx.Response:
        body, path = self.body(call), f"/{call.resource}s"
        if call.resource in SETTINGS:
            return self.api.put(f"/{call.resource}", json=body, headers=WAIT)
        if call.verb == "add":
            return self.api.post(path, json=body, headers=WAIT)
        one = f"{path}/{self.ids[call.resource, call.name]}"
        if call.verb == "set":
            return self.api.patch(one, json=body, headers=WAIT)
        if call.verb == "remove":
            return self.api.delete(one, headers=WAIT)
        verb = "purge-cache" if call.verb == "purge" else call.verb
        return self.api.post(f"{one}/{verb}", json=body, headers=WAIT)

    def body(self, call: Call) -> dict[str, Any]:
        """With ids where the day has names, and with what an object's own name says of it."""
        found: dict[str, Any] = self.with_ids(call.body)
        if call.verb != "add":
            return found
        if call.resource == "backend":
            pool, _, address = call.name.partition("/")
            return {"pool": self.ids["pool", pool], "address": address, **found}
        if call.resource == "route":
            host, _, path = call.name.partition("/")
            return {"host": host, "path_prefix": f"/{path}", **found}
        return {"name": call.name, **found} if call.resource == "pool" else found

    def with_ids(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.with_ids(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {name: self.ids["pool", one] if name == "pool" else self.with_ids(one) for name, one in value.items()}

    def steps(self) -> list[dict[str, Any]]:
        """What the nodes say they did for the newest revision."""
        answer = self.api.get("/deployments", params={"revision": self.revision, "page_size": 100})
        answer.raise_for_status()
        items = answer.json()["items"]
        assert items
        assert all(one["state"] == "live" for one in items if one["state"] != "superseded"), items
        return [step for one in items for step in one["steps"]]


def rows(stack: Stack) -> Iterator[Figure]:
    calls = read(DAY.read_text())
    accounts = {name: account(stack, name) for name in dict.fromkeys(call.tenant for call in calls)}
    for call in (one for one in calls if not one.at):
        accounts[call.tenant].play(call)
    done = [changed(accounts[call.tenant], call) for call in calls if call.at]
    for one in accounts.values():
        one.api.close()
    yield from figures(done)


def account(stack: Stack, name: str) -> Account:
    from billing.models import Subscription
    from tenants.models import Tenant
    from tenants.scope import platform_scope

    mail, phrase = f"{name}.{secrets.token_hex(4)}@example.test", secrets.token_hex(16)
    body = {"email": mail, "password": phrase, "tenant_name": f"Day {name}"}
    answer = httpx.post(f"{stack.console}/api/auth/register", json=body, timeout=20)
    answer.raise_for_status()
    told = answer.json()
    with platform_scope():
        Subscription.objects.filter(tenant=told["tenant"]["id"]).update(plan_id="custom")
        slug = Tenant.objects.get(pk=told["tenant"]["id"]).slug
    return Account(told["tenant"]["id"], stack.api(slug, key=told["token"]))


def changed(mine: Account, call: Call) -> Done:
    before = mine.revision
    mine.play(call)
    if mine.revision == before:
        return Done(call)
    kinds = {step["kind"] for step in mine.steps()}
    return Done(call, Took("reload" in kinds, "command" in kinds), foretold(mine.id, before, mine.revision))


def foretold(tenant_id: str, before: int, after: int) -> Took:
    """What the impact line says of going from the one revision to the other, on any node."""
    from balancer.fleet.models import JOINED, Node, Revision
    from balancer.haproxy import codec
    from balancer.queries import impact
    from tenants.scope import platform_scope

    with platform_scope():
        found = Revision.objects.filter(tenant=tenant_id, number__in=[before, after])
        states = {one.number: codec.from_json(one.state) for one in found}
        nodes = list(Node.objects.filter(JOINED, cluster__placements__tenant=tenant_id))
    said = [impact.on_node(node, states[before], states[after]) for node in nodes]
    return Took(any(one.reload for one in said), any(one.commands for one in said))


def figures(done: Sequence[Done]) -> Iterator[Figure]:
    without = sum(not one.really.reload for one in done)
    yield Figure(
        "2",
        f"a day of {len(done)} changes of five tenants (`tests/bench/day.txt`; the mix is ours)",
        f"{share(without, len(done))} need no reload",
        f"{len(done) - without} changes came with one",
        None,
        "> 95 %",
        without > WANTED * len(done),
    )
    for kind in Kind:
        these = [one for one in done if one.call.kind is kind]
        if these:
            fine = sum(not one.really.reload for one in these)
            yield Figure("2", f"of them: {kind}", f"{fine} of {len(these)} without", "", None, "", None)
    true = [one for one in done if one.really == one.foretold]
    yield Figure(
        "2",
        "the impact line, held against what the nodes did",
        f"true of {len(true)} of {len(done)}",
        "; ".join(f"{one.call.at} {one.call.tenant}" for one in done if one not in true),
        None,
        "all",
        len(true) == len(done),
    )


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"
