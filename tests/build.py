"""Make what a test needs, saying only what matters. All of it through the product's own services.

Rows are made for the tenant whose scope the caller is in, or which is named.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from balancer.fleet.models import Cluster, Deployment, DomainProof, Edit, ImportReport, Revision
from balancer.models import Backend, Listener, Pool, Route
from balancer.services import backends, domains, listeners, nodes, pools, routes
from billing.services import subscriptions
from tenants.actor import SYSTEM, Actor
from tenants.models import ApiKey, AuditEntry, Invitation, Membership, SignInMethod, Tenant, User
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tenants.services import keys
from tenants.services.people import invitations
from tenants.services.signing_in import console_sessions, sign_ins
from tenants.services.tenancy import tenancy
from tenants.services.trail import audit
from tenants.session_store import SessionStore

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
numbers = itertools.count(1)


def user(email: str | None = None, *, password: str | None = None, **fields: Any) -> User:
    """Without a password unless one is given: hashing takes a tenth of a second."""
    with platform_scope():
        return User.objects.create_user(email or f"person{next(numbers)}@veloflux.test", password, **fields)


def staff(**fields: Any) -> User:
    return user(is_staff=True, is_superuser=True, **fields)


def member(tenant: Tenant, role: Role = Role.OWNER, **fields: Any) -> User:
    return join(user(**fields), tenant, role)


def join(person: User, tenant: Tenant, role: Role = Role.OWNER) -> User:
    with platform_scope():
        Membership.objects.create(tenant=tenant, user=person, role=role, created_at=timezone.now())
    return person


def tenant(name: str | None = None, *, plan: str = "pro", owner: User | None = None) -> Tenant:
    """A plan that nobody begins with is one that it came to later."""
    begun = plan if plan in ("free", "pro") else "free"
    with platform_scope():
        made = tenancy.create(
            name=name or f"Tenant {next(numbers)}", plan=begun, owner=owner or user(), now=timezone.now()
        )
        if plan != begun:
            subscriptions.change(made, plan=plan, by=SYSTEM, now=timezone.now())
        return made


def actor(person: User | None = None, role: Role = Role.OWNER) -> Actor:
    return Actor(user_id=person.pk if person else None, through="test", role=role)


def cluster(name: str = "main") -> Cluster:
    """The default one, with two nodes."""
    with platform_scope():
        made, new = Cluster.objects.get_or_create(name=name, defaults={"is_default": True})
        if new:
            for number in (1, 2):
                nodes.take_in(f"n{number}", made, key=f"{number}" * 64)
        return made


def pool(tenant: Tenant, **values: Any) -> Pool:
    values.setdefault("name", f"pool {next(numbers)}")
    with tenant_scope(tenant):
        return pools.create(pools.NewPool(**values), by=actor(), now=timezone.now()).object


def backend(tenant: Tenant, of: Pool | None = None, **values: Any) -> Backend:
    of = of or pool(tenant)
    values.setdefault("address", f"127.1.{next(numbers) % 250}.{next(numbers) % 250 + 1}:9000")
    with tenant_scope(tenant):
        return backends.add(of, backends.NewBackend(**values), by=actor(), now=timezone.now()).object


def route(tenant: Tenant, to: Pool | None = None, **values: Any) -> Route:
    to = to or pool(tenant)
    values.setdefault("host", f"host{next(numbers)}.test")
    with tenant_scope(tenant):
        return routes.create(routes.NewRoute(pool=to.pk, **values), by=actor(), now=timezone.now()).object


def tcp_pool(tenant: Tenant, **values: Any) -> Pool:
    return pool(tenant, **{"mode": "tcp", "check_type": "tcp", **values})


def listener(tenant: Tenant, to: Pool | None = None, **values: Any) -> Listener:
    """On a port that is free."""
    to = to or tcp_pool(tenant)
    values.setdefault("kind", "tcp")
    with tenant_scope(tenant):
        return listeners.create(listeners.NewListener(pool=to.pk, **values), by=actor(), now=timezone.now()).object


def deployment(tenant: Tenant) -> Deployment:
    """Failed, of a revision of its own. (Cutting one needs a transaction that a test's would enclose.)"""
    number = next(numbers)
    node = cluster().nodes.all()[0]
    with tenant_scope(tenant):
        revision = Revision.objects.create(tenant=tenant, number=number, digest="0" * 32, state={}, created_at=NOW)
        return Deployment.objects.create(
            tenant=tenant, revision=revision, node=node, generation=number, state="failed", queued_at=NOW
        )


def revision(tenant: Tenant) -> Revision:
    return deployment(tenant).revision


def import_report(tenant: Tenant) -> ImportReport:
    lines = [[1, "backend web", "managed", "", ["pool web"]], [2, "…", "refused", "Nothing here does it.", []]]
    fates = {"managed": 1, "note": 0, "refused": 1}
    with tenant_scope(tenant):
        return ImportReport.objects.create(
            tenant=tenant, at=NOW, mode="merge", partial=True, counts={}, fates=fates, notes=[], lines=lines, edit=1
        )


def pending(tenant: Tenant) -> Edit:
    """A change that waits."""
    with tenant_scope(tenant):
        return Edit.objects.create(
            tenant=tenant, act="create", kind="pool", object_id="a" * 12, name="x", at=NOW, staged=True
        )


def api_key(tenant: Tenant) -> ApiKey:
    """Of its owner's."""
    with platform_scope():
        owner = User.objects.filter(memberships__tenant=tenant, memberships__role=Role.OWNER)[0]
    return key(tenant, owner)[0]


def audit_entry(tenant: Tenant) -> AuditEntry:
    return audit.record("test.entry", by=SYSTEM, now=timezone.now(), tenant=tenant)


def key(tenant: Tenant, owner: User, role: Role = Role.OWNER) -> tuple[ApiKey, str]:
    """The row and the whole key."""
    by = Actor(user_id=owner.pk, through="test", role=Role.OWNER)
    with platform_scope():
        return keys.create(tenant, name="key", role=role, expires_at=None, by=by, now=timezone.now())


@dataclass(frozen=True, slots=True)
class Api:
    """A client of the API with one credential; bodies are JSON."""

    credential: str | None = None
    host: str = "testserver"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if self.credential:
            headers.setdefault("Authorization", self.credential)
        client = Client(headers={**headers, "Host": self.host})
        options: dict[str, Any] = {}
        if body is not None:
            options = {"data": body, "content_type": "application/json"}
        elif method not in ("GET", "HEAD", "OPTIONS"):
            options = {"data": {}, "content_type": "application/json"}
        return client.generic(method, path) if not options else getattr(client, method.lower())(path, **options)

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self("DELETE", path, **headers)


def api(person: User | None = None, tenant: Tenant | None = None, *, host: str = "testserver") -> Api:
    """With an access token of `person`, bound to `tenant` where one is given; without anybody, none."""
    if person is None:
        return Api(None, host)
    return Api(f"Bearer {token(person, tenant)}", host)


def token(person: User, tenant: Tenant | None = None, *, at: datetime | None = None) -> str:
    """An access token, of a sign-in of its own."""
    with platform_scope():
        return sign_ins.start(person, tenant, None, source=sign_ins.From("127.0.0.1"), now=at or timezone.now()).token


def console_login(client: Client, person: User, backend: str | None = None) -> None:
    """Stands for `Client._login`: sign this browser in, through what the login page calls."""
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": "test"}
    request.session = client.session if settings.SESSION_COOKIE_NAME in client.cookies else SessionStore()
    with platform_scope():
        console_sessions.begin(request, person, method=SignInMethod.PASSWORD)
        request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(request.session.session_key)


def membership(tenant: Tenant) -> Membership:
    person = member(tenant, Role.VIEWER)
    return Membership.objects.get(tenant=tenant, user=person)


def invitation(tenant: Tenant, **values: Any) -> Invitation:
    values = {"email": f"guest{next(numbers)}@veloflux.test", "role": Role.VIEWER, "language": "en", **values}
    with platform_scope():
        return invitations.invite(tenant, by=actor(), now=timezone.now(), **values)


def domain(tenant: Tenant, name: str | None = None) -> DomainProof:
    with tenant_scope(tenant):
        return domains.add(name or f"domain{next(numbers)}.example", by=actor(), now=timezone.now())


# One object of each resource that `tenant_urls` mounts, by its name there: the tests of isolation ask for it.
OBJECTS: dict[str, Callable[[Tenant], Any]] = {
    "pools": pool,
    "backends": backend,
    "pool-backends": backend,
    "routes": route,
    "listeners": listener,
    "deployments": deployment,
    "revisions": revision,
    "changes": pending,
    "imports": import_report,
    "keys": api_key,
    "audit": audit_entry,
    "domains": domain,
    "users": membership,
    "invitations": invitation,
}
