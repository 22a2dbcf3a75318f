"""Hold nothing that others need while somebody else's server is waited for."""

from django.db import connections


def let_others_ask() -> None:
    """Give this thread's database connections back; the next query takes one again. A process has a handful of them,
    and a tenant's provider that answers slowly would else keep them from everybody. Not out of a transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
