"""The console's message, read and fenced."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from balancer.edge import upstream_files
from balancer.edge.fragments import Fragment, Held, Kept
from balancer.edge.service import Service
from balancer.edge.store import Store
from balancer.edge.tree import piece_of
from balancer.edge.upstream_files import MissingFile
from balancer.haproxy.codec import BadState
from balancer.haproxy.text import Unprintable

T = TypeVar("T")
NOT_UNDERSTOOD = "This node does not understand a value of the configuration."


class BadMessage(Exception):
    """A signed body that is no message for this node."""


def understood(body: str, *, node: str, act: str, read: Callable[[Mapping[str, Any]], T]) -> T:
    """What the console asks of this node beside changes. Raises BadMessage."""
    try:
        data = json.loads(body)
        if data["node"] != node or data["act"] != act:
            raise BadMessage(f"This does not ask this node to {act}.")
        return read(data)
    except (KeyError, TypeError, ValueError) as error:
        raise BadMessage(f"The message cannot be read: {error}.") from error


@dataclass(frozen=True, slots=True)
class Message:
    """Everything that changed after `since`, up to `generation`. `anew`: all of it, as if nothing were known."""

    since: int
    generation: int
    fragments: tuple[Mapping[str, Any], ...] = ()
    force_reload: bool = False
    service: Service | None = None  # None: as it is
    anew: bool = False

    @classmethod
    def from_body(cls, body: str, *, node: str) -> "Message":
        """Raises BadMessage."""
        try:
            data = json.loads(body)
            if data["node"] != node:
                raise BadMessage(f"The message is for node {data['node']!r}.")
            return cls(
                since=int(data["since"]),
                generation=int(data["generation"]),
                fragments=tuple(sorted(data["fragments"], key=lambda one: int(one["generation"]))),
                force_reload=bool(data.get("force_reload", False)),
                service=Service(data["service"]) if data.get("service") else None,
                anew=bool(data.get("anew", False)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadMessage(f"The message cannot be read: {error}.") from error


@dataclass(frozen=True, slots=True)
class Accepted:
    """`taken` have a new target, `refused` a new refusal; `known` were dealt with before."""

    taken: tuple[Kept, ...]
    refused: tuple[Kept, ...]
    known: tuple[str, ...]


def accept(store: Store, message: Message) -> Accepted:
    """Sort the fragments, oldest first; never go backwards. What came with them for TLS is written to the disk
    before anything says that it is there.

    Anew, what is known is taken again, never what is older; nor does a message from before the newest one count as
    such: a tenant that left since would come back.
    """
    taken: list[Kept] = []
    refused: list[Kept] = []
    known: list[str] = []
    anew = message.anew and message.since == 0 and message.generation >= store.generation
    for data in message.fragments:
        key = str(data["tenant"])
        kept = store.kept.get(key) or Kept(tenant=key)
        # A tenant that is unknown here and not newer than the node left it; its file is gone.
        newest = (kept.generation or 0) - 1 if anew else kept.generation or store.generation
        if int(data["generation"]) <= newest:
            known.append(key)
            continue
        after = _next(kept, data, store.folder / upstream_files.FOLDER)
        (taken if after.target is not kept.target else refused).append(after)
    return Accepted(tuple(taken), tuple(refused), tuple(known))


def _next(kept: Kept, data: Mapping[str, Any], certificates: Path) -> Kept:
    try:
        fragment = Fragment.from_json(data, before=kept.target)
        if fragment.state is not None:
            piece_of(fragment.state)
            upstream_files.keep(certificates, data.get("files", {}))
            upstream_files.require(certificates, fragment.state)
    except (BadState, Unprintable, MissingFile) as error:
        return kept.refused(held_from(data, reason=NOT_UNDERSTOOD, words=str(error)))
    return replace(kept, target=fragment, held=None)


def held_from(data: Mapping[str, Any], *, reason: str, words: str) -> Held:
    return Held(
        generation=int(data["generation"]),
        digest=str(data["digest"]),
        reason=reason,
        words=words,
        request_ids=tuple(data.get("request_ids", ())),
    )
