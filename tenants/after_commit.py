"""What happens after the commit happens for the same tenant as what came before it.

Django runs `on_commit` callbacks where the outermost transaction ends, in the scope of that place: inside a nested
scope they would run as somebody else (`stack.md` 3.6).
"""

from collections.abc import Callable

from django.db import transaction

from tenants import scope


def after_commit(call: Callable[[], object]) -> None:
    """Run it when the current transaction is committed (now, without one), in the scope of now."""
    here = scope.required()

    def run() -> None:
        with scope.scoped(here):
            call()

    transaction.on_commit(run)
