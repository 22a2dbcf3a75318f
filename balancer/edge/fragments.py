"""One tenant's share of a message, and what a node remembers of a tenant."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from balancer.haproxy.codec import from_json
from balancer.haproxy.desired import Tenant
from balancer.haproxy.listeners import ports_of, without

JSON = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A tenant's desired state at a generation. `state` None: the tenant leaves this node.

    `source` is the JSON that `state` was read from, kept so that writing it down costs no encoding.
    """

    tenant: str
    generation: int
    digest: str
    state: Tenant | None
    source: JSON | None = field(repr=False, compare=False)
    request_ids: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: JSON, *, before: "Fragment | None" = None) -> "Fragment":
        """What is as it was `before` is not read again. Raises BadState for a state that cannot be read, KeyError and
        TypeError for what is no fragment at all."""
        source = data["state"]
        known = (before.source, before.state) if before and before.source and before.state else None
        state = None if source is None else from_json(source, known=known)
        return cls(
            tenant=str(data["tenant"]),
            generation=int(data["generation"]),
            digest=str(data["digest"]),
            state=state,
            source=source,
            request_ids=tuple(str(one) for one in data.get("request_ids", ())),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "generation": self.generation,
            "digest": self.digest,
            "state": self.source,
            "request_ids": list(self.request_ids),
        }


@dataclass(frozen=True, slots=True)
class Held:
    """A fragment that was refused: it is not tried again, and a newer one is."""

    generation: int
    digest: str
    reason: str
    words: str
    request_ids: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "generation": self.generation,
            "digest": self.digest,
            "reason": self.reason,
            "words": self.words,
            "request_ids": list(self.request_ids),
        }

    @classmethod
    def from_json(cls, data: JSON) -> "Held":
        return cls(
            generation=int(data["generation"]),
            digest=str(data["digest"]),
            reason=str(data["reason"]),
            words=str(data["words"]),
            request_ids=tuple(data.get("request_ids", ())),
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """What a node knows of one tenant.

    `target` is where it goes, `loaded` what HAProxy was last known to have: they differ while a reload is due.
    `left_out` are ports of `loaded` that somebody else on the machine has: its state is told without them, and they
    are tried with every reload. The refusal that says so is of the target's own generation.
    """

    tenant: str
    target: Fragment | None = None
    loaded: Fragment | None = None
    held: Held | None = None
    left_out: tuple[int, ...] = ()

    @property
    def generation(self) -> int:
        """The newest that was taken, or refused: nothing up to it is taken again."""
        return max(self.target.generation if self.target else 0, self.held.generation if self.held else 0)

    @property
    def waiting(self) -> bool:
        return self.target is not self.loaded and self.target != self.loaded

    @property
    def target_state(self) -> Tenant | None:
        return self.target.state if self.target and self.waiting else self.loaded_state

    @property
    def loaded_state(self) -> Tenant | None:
        state = self.loaded.state if self.loaded else None
        if state is None or not self.left_out:
            return state
        return replace(state, listeners=without(state.listeners, frozenset(self.left_out)))

    @property
    def wanted_ports(self) -> frozenset[int]:
        """Of the target, whether they could be had or not."""
        state = self.target.state if self.target else None
        return ports_of(state.listeners) if state and not state.suspended else frozenset()

    def taken(self) -> "Kept":
        """The target is what runs."""
        return replace(self, loaded=self.target, left_out=tuple(p for p in self.left_out if p in self.wanted_ports))

    def with_all_ports(self) -> "Kept":
        """The target, with every port that it wants."""
        ours = self.held is not None and self.target is not None and self.held.generation == self.target.generation
        return replace(self, loaded=self.target, left_out=(), held=None if ours else self.held)

    def leaving_out(self, ports: frozenset[int], *, reason: str, words: str) -> "Kept":
        """The target, without these ports."""
        if self.target is None:
            return self
        target, held = self.target, self.held
        if held is None or held.generation <= target.generation:
            held = Held(target.generation, target.digest, reason, words, target.request_ids)
        return replace(self, loaded=target, left_out=tuple(sorted(ports)), held=held)

    def refused(self, held: Held) -> "Kept":
        """Back to what runs, with the refusal remembered."""
        return replace(self, target=self.loaded, held=held)

    def held_back(self, *, reason: str, words: str) -> "Kept":
        """The target was refused."""
        if self.target is None:
            return self
        return self.refused(Held(self.target.generation, self.target.digest, reason, words, self.target.request_ids))

    def to_json(self) -> dict[str, Any]:
        loaded = self.loaded.to_json() if self.waiting and self.loaded else None
        return {
            "tenant": self.tenant,
            "target": self.target.to_json() if self.target else None,
            "waiting": self.waiting,
            "loaded": loaded,
            "held": self.held.to_json() if self.held else None,
            **({"left_out": list(self.left_out)} if self.left_out else {}),
        }

    @classmethod
    def from_json(cls, data: JSON) -> "Kept":
        """Raises BadState, KeyError, TypeError, ValueError."""
        target = Fragment.from_json(data["target"]) if data["target"] else None
        loaded = Fragment.from_json(data["loaded"]) if data["loaded"] else None
        return cls(
            tenant=data["tenant"],
            target=target,
            loaded=loaded if data["waiting"] else target,
            held=Held.from_json(data["held"]) if data["held"] else None,
            left_out=tuple(int(port) for port in data.get("left_out", ())),
        )
