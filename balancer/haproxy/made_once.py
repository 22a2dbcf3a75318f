"""What is made from a value is made once, for as long as somebody has the value.

Values never change, and to compare two of them costs more than to make most things from them: so it is by identity.
"""

import weakref
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def made_once(make: Callable[[T], R]) -> Callable[[T], R]:
    """For functions of one value that can be referred to weakly. Nobody may change what they return, and it may not
    hold the value. What one raises is not kept."""
    made: dict[int, tuple[weakref.ref[T], R]] = {}

    @wraps(make)
    def once(value: T) -> R:
        at = id(value)
        found = made.get(at)
        if found is not None and found[0]() is value:
            return found[1]
        result = make(value)
        made[at] = weakref.ref(value, lambda gone: _forget(at, gone)), result
        return result

    def _forget(at: int, gone: weakref.ref[T]) -> None:
        # Another value may have its place by now.
        found = made.get(at)
        if found is not None and found[0] is gone:
            made.pop(at, None)

    return once
