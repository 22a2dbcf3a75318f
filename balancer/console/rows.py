"""A row of a table: what is desired beside what is observed, kept apart, with the words for both."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.functional import Promise
from django.utils.timesince import timesince

from balancer.console import words
from balancer.models import Backend, Pool
from balancer.queries import backend_status, drains
from balancer.queries.observed import BackendStatus, Fresh, OnNode, PoolStatus
from tenants.console.sentences import translated
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class NodeBadge:
    """One node's view of one backend. `confirmed`: it runs what is desired."""

    name: str
    oper: str
    word: Promise
    confirmed: bool
    fresh: str


@dataclass(frozen=True, slots=True)
class AddressBadge:
    """`key` is its server's, by which the socket speaks of it."""

    key: str
    address: str
    oper: str
    word: Promise


@dataclass(frozen=True, slots=True)
class BackendRow:
    """`drain` None: it does not drain."""

    backend: Backend
    status: BackendStatus
    drain: drains.Progress | None = None
    now: datetime | None = None
    seen: backend_status.Seen = backend_status.NOTHING

    @property
    def addresses(self) -> list[AddressBadge]:
        """Where its name leads, each with what is seen there."""
        return [
            AddressBadge(at.key, at.address, found.oper.value, words.OPER[found.oper.value])
            for at, found in self.seen.addresses
        ]

    @property
    def left_out(self) -> int:
        return self.seen.resolution.left_out if self.seen.resolution else 0

    @property
    def found_age(self) -> str:
        """Since its addresses were seen last; empty where they never were."""
        found = self.seen.resolution
        if found is None or found.at is None or self.now is None:
            return ""
        seconds = max(0, int((self.now - found.at).total_seconds()))
        return f"{seconds} s" if seconds < 60 else timesince(found.at, self.now, depth=1)

    @property
    def name_error(self) -> str:
        return translated(self.seen.resolution.error) if self.seen.resolution else ""

    @property
    def then_word(self) -> Promise | None:
        return words.THEN.get(self.drain.then) if self.drain else None

    @property
    def seconds_left(self) -> int | None:
        return self.drain.seconds_left(self.now) if self.drain and self.now else None

    @property
    def admin_word(self) -> Promise:
        table = words.ADMIN if self.settled else words.INTENT
        return table[self.backend.admin]

    @property
    def oper(self) -> str:
        return self.status.oper.value

    @property
    def oper_word(self) -> Promise:
        return words.OPER[self.oper]

    @property
    def fresh(self) -> str:
        return self.status.fresh.value

    @property
    def fresh_word(self) -> Promise:
        return words.FRESH[self.fresh]

    @property
    def age(self) -> int | None:
        """Seconds since the oldest of the nodes that count spoke."""
        return None if self.status.age is None else int(self.status.age)

    @property
    def since(self) -> datetime | None:
        return None if self.status.since is None else datetime.fromtimestamp(self.status.since, UTC)

    @property
    def nodes(self) -> list[NodeBadge]:
        return [
            NodeBadge(
                node.node, node.oper.value, words.OPER[node.oper.value], self.confirmed_by(node), node.fresh.value
            )
            for node in self.status.nodes
        ]

    def confirmed_by(self, node: OnNode) -> bool:
        return node.admin == self.backend.admin and node.fresh is not Fresh.OFFLINE

    @property
    def confirmed(self) -> int:
        return sum(self.confirmed_by(node) for node in self.status.nodes)

    @property
    def settled(self) -> bool:
        """Every node runs what is desired; without any node to ask, what is desired is all there is to say."""
        return self.confirmed == len(self.status.nodes)

    @property
    def why(self) -> str:
        """What the last failed check said."""
        check = self.status.last_check
        if check is None or self.oper not in ("down", "stopping"):
            return ""
        return " · ".join(part for part in (check.check, check.detail) if part)


@dataclass(frozen=True, slots=True)
class PoolRow:
    pool: Pool
    status: PoolStatus
    configured: int
    routes: int

    @property
    def down(self) -> int:
        return self.status.down

    @property
    def tone(self) -> str:
        """Never green without data."""
        if self.configured == 0:
            return "empty"
        if self.status.fresh is Fresh.OFFLINE:
            return "unknown"
        if self.status.up + self.status.nocheck == 0:
            return "down"
        return "up" if self.status.up + self.status.nocheck >= self.configured else "partly"


def backend_rows(tenant: Tenant, backends: Iterable[Backend], *, now: datetime) -> list[BackendRow]:
    """`backends` with their pools at hand. One round trip to Redis, and what drains."""
    listed = list(backends)
    seen = backend_status.of(tenant.pk, listed, now=now)
    going = drains.progress(tenant.pk, listed, now=now)
    return [BackendRow(row, seen[row.pk].status, going.get(row.pk), now, seen[row.pk]) for row in listed]
