"""A connection that looks up whose data it serves each time a cursor is asked for."""

from typing import Any

from django.utils.asyncio import async_unsafe
from django_tenants.postgresql_backend import base as library

from tenants import scope

# The audit trail lies apart, where `audit_owner.sql` was run; a schema that is not there is passed over.
SHARED = f"{scope.PUBLIC}, audit"
SET_SCOPE = "SELECT set_config('search_path', %s, false), set_config('veloflux.tenant', %s, false)"


class DatabaseWrapper(library.DatabaseWrapper):
    """django-tenants' backend with its per-connection tenant replaced by the context's.

    `search_path` and `veloflux.tenant` (row-level security) are set in one statement, only when they differ from
    what this connection was last told.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._told: scope.Scope | None = None
        super().__init__(*args, **kwargs)

    @property
    def schema_name(self) -> str:
        return scope.required().schema

    @schema_name.setter
    def schema_name(self, value: str | None) -> None:
        """The library assigns it on construction; the scope is what counts."""

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        """Refuse to move a tenant behind the context's back, except to what is already set."""
        now = scope.current()
        if now is not None and tenant.schema_name not in (now.schema, scope.PUBLIC):
            raise scope.NoScope("Enter tenant_scope(tenant); connection.set_tenant() is not used here.")

    def close(self) -> None:
        self._told = None
        super().close()

    @async_unsafe
    def rollback(self) -> None:
        # A session-level setting is undone with the transaction that made it.
        self._told = None
        super().rollback()

    @async_unsafe
    def savepoint_rollback(self, sid: str) -> None:
        try:
            super().savepoint_rollback(sid)
        finally:
            self._told = None

    def _handle_search_path(self, cursor: Any = None) -> None:
        wanted = scope.required()
        if wanted == self._told:
            return
        path = SHARED if wanted.schema == scope.PUBLIC else f'"{wanted.schema}", {SHARED}'
        if self.in_atomic_block and self.needs_rollback:
            return
        # A raw cursor raises the driver's errors; callers know Django's (a server that restarted: 503, or a retry).
        with self.wrap_database_errors, self.connection.cursor() as raw:
            raw.execute(SET_SCOPE, (path, wanted.tenant_id))
        self._told = wanted
