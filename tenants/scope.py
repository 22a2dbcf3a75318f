"""Whose data this code is working on: one ContextVar, read by the database backend at every cursor.

A scope is set by the doors (middleware, socket connect, task header) and by nothing else. It follows asyncio tasks
and asgiref's threads by itself; a bare thread starts with none, and none is an error, never the public schema
(`stack.md` 3.2: with the scope kept on the connection, 45 of 50 reads of a naive consumer were another tenant's).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

PUBLIC = "public"
EVERY_TENANT = "*"


class HasSchema(Protocol):
    id: str
    schema_name: str


class NoScope(RuntimeError):
    """The database was asked something before anyone said whose data it is about."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`tenant_id` is `*` on the platform's own scope; row-level security reads it as `veloflux.tenant`."""

    schema: str
    tenant_id: str


PLATFORM = Scope(PUBLIC, EVERY_TENANT)
_current: ContextVar[Scope | None] = ContextVar("veloflux_scope", default=None)


def current() -> Scope | None:
    return _current.get()


def required() -> Scope:
    """Raise `NoScope` when none is set."""
    scope = _current.get()
    if scope is None:
        raise NoScope("No tenant is set: enter tenant_scope(tenant) or platform_scope() first.")
    return scope


def enter(scope: Scope | None) -> None:
    """Set it for the rest of this context. For doors whose context ends with their work; others use the `with`s."""
    _current.set(scope)


def scope_of(tenant: HasSchema) -> Scope:
    return Scope(tenant.schema_name, tenant.id)


@contextmanager
def scoped(scope: Scope) -> Iterator[None]:
    before = _current.get()
    _current.set(scope)
    try:
        yield
    finally:
        _current.set(before)


@contextmanager
def tenant_scope(tenant: HasSchema) -> Iterator[None]:
    """Work on this tenant's schema, and in shared tables on its rows only."""
    with scoped(scope_of(tenant)):
        yield


@contextmanager
def platform_scope() -> Iterator[None]:
    """Work on shared tables across tenants: sign-in, sweeps, staff. Tenant tables are out of reach."""
    with scoped(PLATFORM):
        yield
