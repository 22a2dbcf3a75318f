"""Who asks, for whose data, with what right: decided once per request or socket.

Path, host and credential must agree. A tenant one is not a member of does not exist for one: 404, never 403.
"""

from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.http import HttpRequest
from django.utils import timezone

from tenants.actor import Actor
from tenants.errors import NotFound, Refused, Unauthenticated
from tenants.models import SignIn, SignInMethod, Tenant, TenantStatus, User
from tenants.queries import directory, people
from tenants.restkit.request_ids import request_id
from tenants.roles import ALLOWED, Role, Verb, narrower, rights
from tenants.services.impersonation import Impersonation, ReadOnly
from tenants.services.signing_in import reauth, second_factor
from tenants.services.signing_in.sign_ins import From
from tenants.visitors import address_of as address_of
from tenants.visitors import agent_of

log = structlog.get_logger(__name__)


class TenantRequired(Refused):
    def __init__(self) -> None:
        super().__init__(
            "Say which tenant: use /api/tenants/{tenant}/…, or sign in with “tenant”.", "tenant_required", 400
        )


class SsoRequired(Refused):
    def __init__(self, tenant: Tenant) -> None:
        detail = "This tenant asks you to sign in by your company."
        super().__init__(detail, "sso_required", 403, (), {"url": f"/login/{tenant.slug}"})


class OwnSignInNeeded(Refused):
    def __init__(self) -> None:
        detail = "This belongs to your account, not to one tenant: sign in with your own password or passkey."
        super().__init__(detail, "own_sign_in_needed", 403)


class BasicRefused(Refused):
    def __init__(self) -> None:
        detail = "HTTP Basic is for staff and operators: use an API key, or sign in for a token."
        super().__init__(detail, "basic_not_allowed", 403)


class PeopleOnly(Refused):
    """A key speaks for its maker in one tenant, not for his account."""

    def __init__(self) -> None:
        super().__init__("This is for people: sign in instead of sending a key.", "people_only", 403)


@dataclass(frozen=True, slots=True)
class Caller:
    """A proven credential. `tenant_id` and `role` are what it is bound to, where it is; `key` is stable for one
    credential and says nothing about its secret. `sign_in` is there for sessions and tokens, `expires_at` for tokens.
    """

    user: User
    through: str
    key: str
    tenant_id: str | None = None
    role: Role | None = None
    sign_in: SignIn | None = None
    expires_at: datetime | None = None
    impersonation: Impersonation | None = None
    scopes: frozenset[str] | None = None  # a key's: at most these verbs of its role

    @property
    def is_key(self) -> bool:
        return self.key.startswith("key:")

    @property
    def is_by_sso(self) -> bool:
        """By a tenant's own provider, and so for this tenant alone."""
        return self.sign_in is not None and self.sign_in.method == SignInMethod.SSO


@dataclass(frozen=True, slots=True)
class Access:
    """`problem` is why there is no tenant; it is raised only where one is needed."""

    caller: Caller | None
    tenant: Tenant | None = None
    role: Role | None = None
    problem: Refused | None = None
    refused: Refused | None = field(default=None)  # the credential itself was no good

    def signed_in(self) -> Caller:
        """Raise `Unauthenticated` where nobody is."""
        if self.caller is None:
            raise self.refused or Unauthenticated()
        return self.caller

    def here(self) -> Tenant:
        """Raise why there is no tenant."""
        if self.tenant is None:
            raise self.problem or Unauthenticated()
        return self.tenant

    def actor(self, address: str = "") -> Actor:
        caller = self.signed_in()
        return Actor(
            user_id=caller.user.pk,
            through=caller.through,
            role=self.role,
            is_staff=self.is_staff,
            request_id=request_id(),
            address=address,
            name=caller.user.email,
            impersonator=caller.impersonation.staff.email if caller.impersonation else "",
        )

    def require_person(self, *, credentials: bool = False) -> None:
        """For one's own account. `credentials`: to change how one signs in. Raise `PeopleOnly` or `OwnSignInNeeded`."""
        if self.signed_in().is_key:
            raise PeopleOnly
        if self.signed_in().impersonation is not None:
            raise ReadOnly  # what is beyond the tenant is not looked at either
        if credentials:
            self.require_own_sign_in()

    def require_proof(self, *, now: datetime) -> None:
        """Before something dangerous. Raise `reauth.ReauthenticationNeeded`, or `OwnersOnly` for a key."""
        reauth.require(self.signed_in().sign_in, now=now, role=self.role)

    def require_staffs_proof(self, *, now: datetime) -> None:
        """Before what could let somebody into the service itself. HTTP Basic shows its password each time. Raise
        `reauth.ReauthenticationNeeded`."""
        if self.signed_in().sign_in is not None:
            self.require_proof(now=now)

    def require_own_sign_in(self) -> None:
        """Before what a person has beyond one tenant (password, factors, passkeys): a tenant's provider speaks for its
        tenant, and must not come into the others. Raise `OwnSignInNeeded`."""
        if self.signed_in().is_by_sso:
            raise OwnSignInNeeded

    def may(self, verb: Verb) -> bool:
        return verb in self.rights

    @property
    def rights(self) -> frozenset[Verb]:
        """Of the role, and of a key no more than its scopes."""
        held = rights(self.role, is_staff=self.is_staff)
        scopes = self.caller.scopes if self.caller is not None else None
        return held if scopes is None else frozenset(verb for verb in held if verb in scopes)

    @property
    def is_staff(self) -> bool:
        """A staff member's key with a role is held to that role."""
        return self.caller is not None and self.caller.user.is_staff and self.caller.role is None


def decide(caller: Caller | None, *, named: str | None, host: str) -> Access:
    """`named` is the slug or id in the path. Never raises: what is wrong is in the answer."""
    if caller is None:
        return Access(None, problem=Unauthenticated())
    try:
        tenant = _tenant(caller, named=named, host=host)
        role = _role(caller, tenant)
        second_factor.require(caller.user, tenant, caller.sign_in, is_key=caller.is_key, now=timezone.now())
        return Access(caller, tenant, role)
    except Refused as refused:
        return Access(caller, problem=refused)


def _tenant(caller: Caller, *, named: str | None, host: str) -> Tenant:
    by_host = directory.by_host(host)
    bound = caller.tenant_id
    if by_host is not None and bound is not None and by_host.pk != bound:
        raise Unauthenticated("This credential is for another tenant.", "wrong_tenant")
    if named is not None:
        tenant = directory.by_name(named)
        if tenant is None or tenant.pk != (bound or tenant.pk) or (by_host and by_host.pk != tenant.pk):
            raise NotFound
        return tenant
    if by_host is not None:
        return by_host
    if bound is not None:
        tenant = directory.by_name(bound)
        if tenant is None:
            raise NotFound
        return tenant
    only = people.only_membership(caller.user.pk)
    if only is None:
        raise TenantRequired
    return only.tenant


def _role(caller: Caller, tenant: Tenant) -> Role | None:
    """None is staff, who need no membership and are logged each time."""
    if caller.user.is_staff:
        log.info("staff_access", tenant=tenant.pk, user=str(caller.user.pk), through=caller.through)
        return caller.role
    membership = people.membership(caller.user.pk, tenant.pk)
    if membership is None:
        raise NotFound
    role = narrower(Role(membership.role), caller.role) if caller.role else Role(membership.role)
    if tenant.status == TenantStatus.DELETED and role is not Role.OWNER:
        raise NotFound
    if caller.through == "basic" and Verb.RUNTIME not in ALLOWED[role]:
        raise BasicRefused
    if membership.sso_required and membership.role != Role.OWNER and _signed_in_elsewhere(caller):
        raise SsoRequired(tenant)
    return role


def _signed_in_elsewhere(caller: Caller) -> bool:
    """Not by the tenant's own provider. A key is the tenant's own, and staff who look as somebody sign nobody in."""
    return not (caller.is_by_sso or caller.is_key or caller.impersonation is not None)


def of(request: HttpRequest) -> Access:
    """What the middleware decided."""
    access = getattr(request, "access", None)
    return access if isinstance(access, Access) else Access(None, problem=Unauthenticated())


def source_of(request: HttpRequest, method: SignInMethod = SignInMethod.PASSWORD, *, factor: bool = False) -> From:
    """Where somebody signs in from. `factor`: a second one was part of it."""
    return From(address_of(request), agent_of(request), method, factor, request_id())
