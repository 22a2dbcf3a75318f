"""The configuration that a set of tenants makes, as texts: what a change touches is rendered, and nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from balancer.haproxy.desired import Tenant
from balancer.haproxy.made_once import made_once
from balancer.haproxy.render import (
    NodeSettings,
    render_fixed,
    render_maps,
    render_shard,
    shard_name,
)

Texts = dict[str, str | None]  # path in the tree -> what it shall hold; None: there shall be none

GLOBAL = "00-global.cfg"
FRONTENDS = "10-frontends.cfg"


@dataclass(frozen=True, slots=True)
class Piece:
    """One tenant's share: its sections, and its lines in each map."""

    sections: str
    maps: Mapping[str, str]


@made_once
def piece_of(tenant: Tenant) -> Piece:
    """Raises Unprintable for a tenant that has no safe spelling."""
    return Piece(render_shard([tenant]), render_maps([tenant]))


class Tree:
    """The tenants of one tree. Joining ready pieces keeps the cost of a change at what changed (`performance.md 4`)."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self._pieces: dict[str, Piece] = {}
        self._members: defaultdict[str, set[str]] = defaultdict(set)

    def texts(self) -> Texts:
        """Every file of the tree."""
        shards = {name: self._shard(name, {}) for name, members in self._members.items() if members}
        return {**render_fixed(self.settings), **shards, **{path: self._map(path, {}) for path in render_maps([])}}

    def changes(self, updates: Mapping[str, Piece | None]) -> Texts:
        """The files that differ once these tenants are so; None: the tenant is not in the tree."""
        changed = {key: piece for key, piece in updates.items() if self._pieces.get(key) != piece}
        texts: Texts = {}
        for name in {shard_name(key) for key in changed if self._sections_differ(key, changed[key])}:
            texts[name] = self._shard(name, changed)
        for path in self._maps_that_differ(changed):
            texts[path] = self._map(path, changed)
        return texts

    def apply(self, updates: Mapping[str, Piece | None]) -> None:
        for key, piece in updates.items():
            if piece is None:
                self._pieces.pop(key, None)
                self._members[shard_name(key)].discard(key)
            else:
                self._pieces[key] = piece
                self._members[shard_name(key)].add(key)

    def _shard(self, name: str, updates: Mapping[str, Piece | None]) -> str | None:
        keys = self._members[name] | {key for key in updates if shard_name(key) == name}
        return "".join(piece.sections for piece in self._overlaid(sorted(keys), updates)) or None

    def _map(self, path: str, updates: Mapping[str, Piece | None]) -> str:
        keys = self._pieces if not updates else {**self._pieces, **updates}
        return "".join(piece.maps[path] for piece in self._overlaid(keys, updates))

    def _overlaid(self, keys: Iterable[str], updates: Mapping[str, Piece | None]) -> Iterable[Piece]:
        for key in keys:
            piece = updates[key] if key in updates else self._pieces.get(key)
            if piece is not None:
                yield piece

    def _sections_differ(self, key: str, piece: Piece | None) -> bool:
        before = self._pieces.get(key)
        return (before.sections if before else "") != (piece.sections if piece else "")

    def _maps_that_differ(self, updates: Mapping[str, Piece | None]) -> set[str]:
        return {
            path
            for key, piece in updates.items()
            for path in (piece or self._pieces[key]).maps
            if _line(piece, path) != _line(self._pieces.get(key), path)
        }


def _line(piece: Piece | None, path: str) -> str:
    return piece.maps[path] if piece else ""
