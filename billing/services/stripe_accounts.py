"""What Stripe says of a tenant: asked at most once in `STRIPE_FRESH_SECONDS`, and kept in Redis, a tenant's own.

Nothing is decided by it. `forget` makes the next look ask anew; what was said last stays known for a day, with its age,
so that a Stripe that is down takes nothing from the page. What was asked before a `forget` and answered after it is old
already: each answer carries the turn in which it was asked.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from billing.stripe import asking, said
from billing.stripe.said import Said
from tenants.ids import new_id

log = structlog.get_logger(__name__)
KEPT_SECONDS = 86_400
AGAIN_SECONDS = 15  # after a failure


class State(StrEnum):
    OFF = "off"  # no key is set
    NOT_LINKED = "not_linked"  # no customer of Stripe's is this tenant
    ANSWERED = "answered"
    DOWN = "down"
    REFUSED = "refused"  # our key is not taken
    MISMATCH = "mismatch"  # Stripe knows no such customer, or it is not this tenant


@dataclass(frozen=True, slots=True)
class Heard:
    """`said` is of `as_of`; both are None where nothing was ever heard, or it may not be shown."""

    state: State
    said: Said | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """`subscription` may be empty."""

    tenant_id: str
    customer: str
    subscription: str

    @property
    def text(self) -> str:
        return f"{self.customer} {self.subscription}"


def hear(link: Link, *, now: datetime) -> Heard:
    """Outside of a transaction: Stripe may take some seconds, and no connection to the database waits with it."""
    if not settings.STRIPE_KEY:
        return Heard(State.OFF)
    if not link.customer:
        return Heard(State.NOT_LINKED)
    found = cache.get_many([_turn(link.tenant_id), _answer(link.tenant_id), _failure(link.tenant_id)])
    turn = found.get(_turn(link.tenant_id), "")
    last = _heard(found.get(_answer(link.tenant_id)), link)
    if last is not None and found[_answer(link.tenant_id)]["turn"] == turn and _age(last, now) < _fresh():
        return last
    failure = found.get(_failure(link.tenant_id))
    if failure is not None and (failure["link"], failure["turn"]) == (link.text, turn):
        return _without(State(failure["state"]), last)
    return _asked(link, turn, last, now=now)


def forget(tenant_id: str) -> None:
    """Whatever is kept is old now, in every process."""
    cache.set(_turn(tenant_id), new_id(), 2 * KEPT_SECONDS)


def _asked(link: Link, turn: str, last: Heard | None, *, now: datetime) -> Heard:
    if not connection.in_atomic_block:
        connection.close()  # back to the pool
    try:
        told = asking.ask(link.tenant_id, link.customer, link.subscription)
    except asking.NotAnswered as error:
        state = _note(State.DOWN, error)
    except asking.KeyRefused as error:
        state = _note(State.REFUSED, error)
    except asking.NotTheirs as error:
        state = _note(State.MISMATCH, error)
    else:
        kept = {"link": link.text, "turn": turn, "at": now.timestamp(), "said": said.to_json(told)}
        cache.set(_answer(link.tenant_id), kept, KEPT_SECONDS)
        return Heard(State.ANSWERED, told, now)
    cache.set(_failure(link.tenant_id), {"link": link.text, "turn": turn, "state": state.value}, AGAIN_SECONDS)
    return _without(state, last)


def _without(state: State, last: Heard | None) -> Heard:
    """What is known without an answer. Of a customer that is not this tenant's nothing is shown, old or new."""
    if last is None or state is State.MISMATCH:
        return Heard(state)
    return Heard(state, last.said, last.as_of)


def _heard(kept: dict[str, Any] | None, link: Link) -> Heard | None:
    """The last answer, if it was about the very same customer and subscription."""
    if kept is None or kept["link"] != link.text:
        return None
    try:
        return Heard(State.ANSWERED, said.from_json(kept["said"]), datetime.fromtimestamp(kept["at"], UTC))
    except (KeyError, TypeError):  # kept by another version
        return None


def _note(state: State, error: Exception) -> State:
    """What Stripe itself says stays out: it repeats what it was sent."""
    log.warning("stripe_not_heard", state=state.value, error=type(error.__cause__ or error).__name__)
    return state


def _age(heard: Heard, now: datetime) -> float:
    return (now - heard.as_of).total_seconds() if heard.as_of else float("inf")


def _fresh() -> int:
    return int(settings.STRIPE_FRESH_SECONDS)


def _turn(tenant_id: str) -> str:
    return f"billing:{tenant_id}:turn"


def _answer(tenant_id: str) -> str:
    return f"billing:{tenant_id}:answer"


def _failure(tenant_id: str) -> str:
    return f"billing:{tenant_id}:failure"
