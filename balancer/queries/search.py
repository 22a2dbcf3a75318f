"""What a tenant has by a part of its name or address: four queries, each bounded, whatever is asked and found.

Pools, backends and routes lie in the tenant's own schema; domains are asked for by their tenant besides.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, F, Func, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat

from balancer.fleet.models import DomainProof
from balancer.models import Backend, Pool, Route
from tenants.models import Tenant

EACH = 20
LEAST, MOST = 2, 100  # characters
WORDS_MOST = 5


@dataclass(frozen=True, slots=True)
class Found:
    """Of each kind the first `EACH`; `more` names the kinds of which there are more."""

    pools: tuple[Pool, ...] = ()
    backends: tuple[Backend, ...] = ()
    routes: tuple[Route, ...] = ()
    domains: tuple[DomainProof, ...] = ()
    more: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        return len(self.pools) + len(self.backends) + len(self.routes) + len(self.domains)


def of(tenant: Tenant, asked: str) -> Found:
    """In the tenant's scope. Every word must be found; nothing is, for less than `LEAST` characters."""
    words = asked[:MOST].split()[:WORDS_MOST]
    if sum(map(len, words)) < LEAST:
        return Found()
    address = Concat(
        Coalesce("host", Func(F("ip"), function="host", output_field=CharField())),
        Value(":"),
        Cast("port", CharField()),
        output_field=CharField(),
    )
    kinds: dict[str, QuerySet[Any]] = {
        "pools": Pool.objects.filter(each(words, "name", "description")).order_by("name", "pk"),
        "backends": Backend.objects.select_related("pool")
        .annotate(at=address)
        .filter(each([word.replace("[", "").replace("]", "") for word in words], "at", "region", "description"))
        .order_by("ip", "host", "port", "pk"),
        "routes": Route.objects.annotate(whole=Concat("host", "path_prefix"))
        .filter(each(words, "whole", "description"))
        .order_by("host", "path_prefix", "pk"),
        "domains": DomainProof.objects.filter(each(words, "domain"), tenant=tenant).order_by("domain", "pk"),
    }
    rows = {kind: tuple(found[: EACH + 1]) for kind, found in kinds.items()}
    more = frozenset(kind for kind, found in rows.items() if len(found) > EACH)
    return Found(**{kind: found[:EACH] for kind, found in rows.items()}, more=more)


def each(words: list[str], *fields: str) -> Q:
    found = Q()
    for word in words:
        anywhere = Q()
        for field in fields:
            anywhere |= Q(**{f"{field}__icontains": word})
        found &= anywhere
    return found
