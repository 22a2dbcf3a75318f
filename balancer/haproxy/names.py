"""Backends that go by a name: one server for each address that the name has. Nothing here asks anybody.

A revision holds names, nodes are told addresses: what a name has now is put in on the way (`resolved`), so that a new
answer is no revision, and no revision ever brings back an old answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .desired import AdminState, Pool, Server, Tenant
from .naming import address_key, id_and_moves, place_key
from .serving import BY_COOKIE

MOST = 16  # addresses of one name
# Name → the address at each of its places, "" where a place is free.
Answers = Mapping[str, Sequence[str]]
Fits = Callable[[str, int], bool]


@dataclass(frozen=True, slots=True)
class Named:
    """A backend that goes by a name, as its own row has it. `by_place`: its pool keeps clients by a cookie."""

    id: str
    moves: int
    name: str
    port: int
    by_place: bool


@dataclass(frozen=True, slots=True)
class Found:
    """`servers`: HAProxy's name and the address of each. `left_out`: addresses that there is no room for. `spare`: the
    servers of places that are free now, kept for whoever comes next."""

    servers: tuple[tuple[str, str], ...] = ()
    left_out: int = 0
    spare: tuple[str, ...] = ()


def settled(before: Sequence[str], found: Sequence[str]) -> list[str]:
    """The places of a name after an answer: who stays keeps its own, who is new takes a free one, the lowest address
    first. Places never become fewer, nor more than `MOST`."""
    left = set(found)
    places = [one if one in left else "" for one in before[:MOST]]
    new = [one for one in sorted(left) if one not in places]
    for at, one in enumerate(places):
        if not one and new:
            places[at] = new.pop(0)
    return places + new[: MOST - len(places)]


def allotted(rows: Sequence[Named], answers: Answers, *, room: int | None, fits: Fits) -> list[Found]:
    """Of each, in their order. `room`: how many servers there may be of all names together, but one for each name in
    any case; None: as many as they have. `fits` says whether an address may be used with a port."""
    there = [
        [(place, ip) for place, ip in enumerate(answers.get(one.name, ())) if ip and fits(ip, one.port)] for one in rows
    ]
    shares = _shares([len(one) for one in there], room)
    return [
        Found(
            tuple((_key(one, place, ip), ip) for place, ip in here[:share]),
            len(here) - share,
            tuple(_spare(one, answers.get(one.name, ()))) if here else (),
        )
        for one, here, share in zip(rows, there, shares, strict=True)
    ]


def _shares(counts: Sequence[int], room: int | None) -> list[int]:
    """One for each, then another one for each that has more, and so on, until there is no more room."""
    if room is None or sum(counts) <= room:
        return list(counts)
    shares = [min(1, count) for count in counts]
    left = room - sum(shares)
    while left > 0:
        for at, count in enumerate(counts):
            if shares[at] < count and left > 0:
                shares[at] += 1
                left -= 1
    return shares


def _key(one: Named, place: int, ip: str) -> str:
    return place_key(one.id, one.moves, place) if one.by_place else address_key(one.id, ip, one.port)


def _spare(one: Named, places: Sequence[str]) -> Iterator[str]:
    """An address that goes and one that comes must not be a reload, as often as somebody's name server likes."""
    return (place_key(one.id, one.moves, place) for place, ip in enumerate(places) if one.by_place and not ip)


def names_in(state: Tenant) -> frozenset[str]:
    return frozenset(server.name for _, server in _named(state))


def _named(state: Tenant) -> Iterator[tuple[Pool, Server]]:
    return ((pool, server) for pool in state.pools for server in pool.servers if server.name)


def resolved(state: Tenant, answers: Answers, *, most: int | None, fits: Fits) -> Tenant:
    """With addresses for names. `most`: how many servers the tenant may have in all; its addresses are never less for
    its names. A name without an address has no server."""
    here = [named(pool, server) for pool, server in _named(state)]
    if not here:
        return state
    literal = sum(len(pool.servers) for pool in state.pools) - len(here)
    found = iter(allotted(here, answers, room=None if most is None else most - literal, fits=fits))
    return replace(state, pools=tuple(_with_addresses(pool, found) for pool in state.pools))


def named(pool: Pool, server: Server) -> Named:
    row_id, moves = id_and_moves(server.key)
    return Named(row_id, moves, server.name, server.port, pool.serving.sticky.type in BY_COOKIE)


def _with_addresses(pool: Pool, found: Iterator[Found]) -> Pool:
    if not any(server.name for server in pool.servers):
        return pool
    servers: list[Server] = []
    for server in pool.servers:
        if server.name:
            servers += _of_a_name(server, next(found))
        else:
            servers.append(server)
    return replace(pool, servers=tuple(servers))


def _of_a_name(server: Server, found: Found) -> Iterator[Server]:
    for key, ip in found.servers:
        yield replace(server, key=key, address=ip, name="")
    for key in found.spare:
        yield replace(server, key=key, address=found.servers[0][1], name="", admin=AdminState.MAINT)
