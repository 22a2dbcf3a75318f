"""Who is at the other end of a socket, and for which tenant: proven once, at connect, and asked again while it is open.

A credential, in this order: a ticket (`?ticket=` or subprotocol `ticket.<t>`), a bearer (subprotocol `bearer.<JWT or
key>`, beside `veloflux`), the session cookie. The tenant is the credential's own, or the one that `?tenant=<slug
or id>` names, or the host's; they must agree, by the same rule as the API's (`restkit.access`).
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from balancer.fleet.models import Placement
from balancer.services import tickets
from tenants.errors import Forbidden, NotFound, Unauthenticated
from tenants.queries import directory
from tenants.restkit import access, credentials
from tenants.roles import Verb, who_may
from tenants.scope import platform_scope
from tenants.services.trail import staff_access
from tenants.session_store import SessionStore

PROTOCOL = "veloflux"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a socket may be told, and what has to stay true for it. `expires_at` is epoch seconds (a JWT's end);
    `sign_in` is there for sessions and tokens; `session_hash` is what a changed password changes;
    `looked_by` is the staff member who looks as this person."""

    user_id: str
    tenant_id: str
    cluster_id: str
    staff: bool
    role: str | None = None
    key_id: str | None = None
    sign_in: str | None = None
    session_hash: str | None = None
    expires_at: float | None = None
    looked_by: str | None = None

    @property
    def tenant_key(self) -> str:
        """The tenant's name in HAProxy, and in Redis."""
        return f"t{self.tenant_id}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a socket's handshake shows. `host` is without port, lower case."""

    protocols: tuple[str, ...]
    ticket: str | None
    tenant: str | None
    session_key: str | None
    host: str


def of_socket(shown: Shown, *, now: datetime) -> Pass:
    """Raise `Unauthenticated`, `TenantRequired`, `NotFound` or `Forbidden`. For a thread: it asks the database."""
    with platform_scope():
        if ticket := shown.ticket or _protocol(shown, "ticket."):
            return _from_ticket(ticket, named=shown.tenant)
        if bearer := _protocol(shown, "bearer."):
            caller = credentials.from_bearer(bearer, now=now)
            return _pass(caller, shown, now=now)
        if shown.session_key:
            return _from_session(shown.session_key, shown, now=now)
    raise Unauthenticated


def of_request(request: HttpRequest, found: access.Access) -> Pass:
    """For the ticket that a request asks for. A ticket lives no longer than what it was asked with."""
    if found.caller is None or found.tenant is None:
        raise found.problem or Unauthenticated()
    with platform_scope():
        return _made(found)


def as_json(pass_: Pass) -> dict[str, Any]:
    return asdict(pass_)


def _from_ticket(ticket: str, *, named: str | None) -> Pass:
    kept = tickets.redeem(ticket)
    if kept is None:
        raise Unauthenticated("This ticket is not valid.", "invalid_ticket")
    pass_ = Pass(**kept)
    if named is not None:
        tenant = directory.by_name(named)
        if tenant is None or tenant.pk != pass_.tenant_id:
            raise NotFound
    return pass_


def _from_session(session_key: str, shown: Shown, *, now: datetime) -> Pass:
    request = HttpRequest()
    request.session = SessionStore(session_key)
    caller = credentials.from_session(request, now=now)
    if caller is None:
        raise Unauthenticated
    return _pass(caller, shown, now=now)


def _pass(caller: access.Caller, shown: Shown, *, now: datetime) -> Pass:
    found = access.decide(caller, named=shown.tenant, host=shown.host)
    made = _made(found)
    if found.tenant is not None and caller.user.is_staff:
        staff_access.note("live view", by=found.actor(), tenant=found.tenant, now=now)
    return made


def _made(found: access.Access) -> Pass:
    if found.caller is None or found.tenant is None:
        raise found.problem or Unauthenticated()
    if not found.may(Verb.VIEW):
        raise Forbidden(Verb.VIEW, [str(role) for role in who_may(Verb.VIEW)])
    user, sign_in, ends = found.caller.user, found.caller.sign_in, found.caller.expires_at
    seen_as = found.caller.impersonation
    kind, _, key = found.caller.key.partition(":")
    placed = Placement.objects.filter(tenant_id=found.tenant.pk).values_list("cluster_id", flat=True).first()
    return Pass(
        user_id=str(user.pk),
        tenant_id=found.tenant.pk,
        cluster_id=placed or "",
        staff=found.is_staff,
        role=found.role,
        key_id=key if kind == "key" else None,
        sign_in=sign_in.pk if sign_in else None,
        session_hash=user.get_session_auth_hash() if found.caller.through == "session" else None,
        expires_at=ends.timestamp() if ends else None,
        looked_by=str(seen_as.staff.pk) if seen_as is not None else None,
    )


def _protocol(shown: Shown, prefix: str) -> str | None:
    return next((name.removeprefix(prefix) for name in shown.protocols if name.startswith(prefix)), None)


def user_id(pass_: Pass) -> UUID:
    return UUID(pass_.user_id)
