"""Celery tasks that know whose data they work on.

A `TenantTask` is sent from a tenant's scope, carries its id in the message's header, and runs in that tenant's scope or
not at all: a tenant that is gone fails the task (`TenantGone`). Nothing here hangs on signals, whose errors Celery
swallows (`stack.md` 3.4: the task then ran in `public`). A `PlatformTask` runs in the platform's scope.
"""

from typing import Any, ClassVar

from celery import Task
from celery.result import AsyncResult
from django.db import InterfaceError, OperationalError

from tenants import scope
from tenants.after_commit import after_commit
from tenants.models import Tenant
from tenants.queries import directory

HEADER = "veloflux_tenant"
RETRY_SECONDS = 0.5
RETRIES = 120  # a minute of a database that restarts


class TenantGone(RuntimeError):
    """The tenant of this message no longer exists."""


class NoTenant(RuntimeError):
    """A tenant's task was sent or run without one."""


class ScopedTask(Task[Any, Any]):
    """A database that restarts, or ends a deadlock, is asked again: a task here is safe to repeat."""

    abstract = True
    autoretry_for = (OperationalError, InterfaceError)
    retry_kwargs: ClassVar[dict[str, float]] = {"countdown": RETRY_SECONDS, "max_retries": RETRIES}

    def apply_async_after_commit(self, *args: Any, **options: Any) -> None:
        """Send it when the transaction is committed, for the tenant of now."""
        after_commit(lambda: self.apply_async(*args, **options))

    def delay_after_commit(self, *args: Any, **kwargs: Any) -> None:
        self.apply_async_after_commit(args, kwargs)

    # Celery's own would look at the scope of the place where the transaction ends.
    delay_on_commit = delay_after_commit
    apply_async_on_commit = apply_async_after_commit


class TenantTask(ScopedTask):
    abstract = True

    def apply_async(self, *args: Any, headers: dict[str, Any] | None = None, **options: Any) -> AsyncResult[Any]:
        """Raise `NoTenant` outside of a tenant's scope."""
        given = (headers or {}).get(HEADER)
        return super().apply_async(*args, headers={**(headers or {}), HEADER: given or _tenant_of_now()}, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            _tenant_of_now()
            return self.run(*args, **kwargs)
        with scope.tenant_scope(self._tenant()):
            return self.run(*args, **kwargs)

    def _tenant(self) -> Tenant:
        """Read past any cache. A database that does not answer is tried again: it says nothing about the tenant."""
        tenant_id = (self.request.headers or {}).get(HEADER) or self.request.get(HEADER)
        if not tenant_id:
            raise NoTenant(f"{self.name} came without a tenant.")
        try:
            with scope.platform_scope():
                tenant = directory.fresh(tenant_id)
        except (OperationalError, InterfaceError) as error:
            raise self.retry(
                exc=error, countdown=RETRY_SECONDS, max_retries=RETRIES, headers={HEADER: tenant_id}
            ) from error
        if tenant is None:
            raise TenantGone(f"{self.name}: tenant {tenant_id} is gone.")
        return tenant


class PlatformTask(ScopedTask):
    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with scope.platform_scope():
            return self.run(*args, **kwargs)


def _tenant_of_now() -> str:
    current = scope.current()
    if current is None or current.tenant_id == scope.EVERY_TENANT:
        raise NoTenant("Enter tenant_scope(tenant) before a tenant's task.")
    return current.tenant_id
