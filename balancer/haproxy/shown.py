"""A tenant's own part of the configuration as text for its people: no path, no other tenant, no secret."""

import difflib
from dataclasses import replace

from .desired import Pool, Tenant
from .render.maps import map_entries
from .render.tree import render_shard
from .text import map_line

HIDDEN = "(hidden)"


def own_part(state: Tenant) -> str:
    """The sections, then the entries of each map that has any."""
    shown = without_secrets(state)
    maps = (
        f"# {path}\n" + "".join(f"{map_line(key, value)}\n" for key, value in sorted(entries.items()))
        for path, entries in map_entries(shown).items()
        if entries
    )
    return "\n".join([render_shard([shown]).rstrip("\n") + "\n", *maps]).lstrip("\n")


def without_secrets(state: Tenant) -> Tenant:
    """What a check sends to prove itself to an origin is nobody else's to read."""
    return replace(state, pools=tuple(_hidden(pool) for pool in state.pools))


def _hidden(pool: Pool) -> Pool:
    headers = tuple((name, HIDDEN) for name, _ in pool.health_check.headers)
    return replace(pool, health_check=replace(pool.health_check, headers=headers))


def text_difference(before: Tenant | None, after: Tenant, *, names: tuple[str, str]) -> str:
    """A unified diff; empty where HAProxy would see none (or only a secret differs)."""
    old = own_part(before).splitlines(keepends=True) if before is not None else []
    return "".join(difflib.unified_diff(old, own_part(after).splitlines(keepends=True), *names))
