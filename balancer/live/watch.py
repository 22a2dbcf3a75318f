"""Is each socket still entitled? One check every two seconds for all the sockets of a process, a handful of queries
whatever their number: so that access withdrawn closes within five."""

import asyncio
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from channels.db import DatabaseSyncToAsync
from django.db import Error

from balancer.live.passes import Pass, user_id
from tenants.models import ApiKey, Membership, SignInMethod, Tenant, TenantStatus, User
from tenants.queries import people
from tenants.roles import Role, narrower
from tenants.scope import platform_scope
from tenants.services import impersonation
from tenants.services.signing_in import console_sessions, second_factor
from tenants.session_store import SessionStore

log = structlog.get_logger(__name__)

EVERY_SECONDS = 2.0
BLIND_SECONDS = 30.0  # how long sockets stay open while the database cannot be asked
SIGN_IN, NOT_YOURS, TRY_LATER = 4401, 4403, 1013
CHANGED = 1012  # another role than when it was opened: who comes back is judged anew
Shut = Callable[[int], None]


class Watch:
    """One per event loop. Its task lives while there is a socket to watch."""

    _of: "WeakKeyDictionary[asyncio.AbstractEventLoop, Watch]" = WeakKeyDictionary()

    def __init__(self) -> None:
        self._sockets: dict[Shut, Pass] = {}
        self._task: asyncio.Task[None] | None = None
        self._seen_at = time.monotonic()

    @classmethod
    def here(cls) -> "Watch":
        loop = asyncio.get_running_loop()
        if loop not in cls._of:
            cls._of[loop] = cls()
        return cls._of[loop]

    def add(self, pass_: Pass, shut: Shut) -> None:
        """`shut` is called once, with the close code, when the pass is no longer good."""
        self._sockets[shut] = pass_
        if self._task is None or self._task.done():
            self._seen_at = time.monotonic()
            self._task = asyncio.create_task(self._run())

    def drop(self, shut: Shut) -> None:
        self._sockets.pop(shut, None)

    def count(self, tenant_id: str) -> int:
        return sum(pass_.tenant_id == tenant_id for pass_ in self._sockets.values())

    async def _run(self) -> None:
        while self._sockets:
            await asyncio.sleep(EVERY_SECONDS)
            sockets = dict(self._sockets)
            codes = await self._codes(set(sockets.values()))
            for shut, pass_ in sockets.items():
                if pass_ in codes and self._sockets.pop(shut, None) is not None:
                    shut(codes[pass_])

    async def _codes(self, passes: set[Pass]) -> dict[Pass, int]:
        now = datetime.now(UTC)
        try:
            found = await DatabaseSyncToAsync(withdrawn, thread_sensitive=False)(passes, now=now)
        except Error as error:
            log.warning("access_not_checked", error=type(error).__name__)
            blind = time.monotonic() - self._seen_at > BLIND_SECONDS
            return dict.fromkeys(passes, TRY_LATER) if blind else {}
        self._seen_at = time.monotonic()
        return found


def withdrawn(passes: Collection[Pass], *, now: datetime) -> dict[Pass, int]:
    """Those that are no longer good, with their close code."""
    with platform_scope():
        seen = _Seen(passes, now=now)
        codes = {pass_: seen.code(pass_, now=now) for pass_ in passes}
    return {pass_: code for pass_, code in codes.items() if code is not None}


class _Seen:
    """What the database says of everything that these passes lean on."""

    def __init__(self, passes: Collection[Pass], *, now: datetime) -> None:
        users = {user_id(pass_) for pass_ in passes} | {UUID(pass_.looked_by) for pass_ in passes if pass_.looked_by}
        tenants = {pass_.tenant_id for pass_ in passes}
        keys = {pass_.key_id for pass_ in passes if pass_.key_id}
        sign_ins = {pass_.sign_in for pass_ in passes if pass_.sign_in}
        self.users = {str(user.pk): user for user in User.objects.filter(pk__in=users, is_active=True)}
        self.tenants = {tenant.pk: tenant for tenant in Tenant.objects.filter(pk__in=tenants)}
        rows = Membership.objects.filter(user__in=users, tenant__in=tenants, suspended_at=None)
        wanting = rows.annotate(wants_sso=people.wants_sso())
        self.members = {(str(row.user_id), row.tenant_id): row for row in wanting}
        self.keys = _good_keys(keys, now) if keys else {}
        live = people.live_sign_ins(sign_ins, now=now) if sign_ins else []
        self.sign_ins = {row.pk: row for row in live if not console_sessions.is_idle(row, now=now)}

    def code(self, pass_: Pass, *, now: datetime) -> int | None:
        if not self._proven(pass_, now=now):
            return SIGN_IN
        staff = pass_.staff and self.users[pass_.user_id].is_staff
        if pass_.tenant_id not in self.tenants or not (staff or self._member(pass_)):
            return NOT_YOURS
        tenant, sign_in = self.tenants[pass_.tenant_id], self.sign_ins.get(pass_.sign_in or "")
        if sign_in is not None and second_factor.needed(self.users[pass_.user_id], tenant, sign_in, now=now):
            return NOT_YOURS
        return None if staff or pass_.role == self._role(pass_) else CHANGED

    def _role(self, pass_: Pass) -> str:
        """As `restkit.access` would say now."""
        role = Role(self.members[pass_.user_id, pass_.tenant_id].role)
        if not pass_.key_id:
            return role
        of_key = self.keys[pass_.key_id]
        return of_key if self.users[pass_.user_id].is_staff else narrower(role, of_key)

    def _member(self, pass_: Pass) -> bool:
        """By the same rule as `restkit.access`: where the tenant requires its own sign-in, by that."""
        row = self.members.get((pass_.user_id, pass_.tenant_id))
        if row is None or (self.tenants[pass_.tenant_id].status == TenantStatus.DELETED and row.role != Role.OWNER):
            return False
        if not row.wants_sso or row.role == Role.OWNER or pass_.key_id:
            return True
        sign_in = self.sign_ins.get(pass_.sign_in or "")
        return sign_in is not None and sign_in.method == SignInMethod.SSO

    def _looks(self, pass_: Pass, *, now: datetime) -> bool:
        """Staff who look as this person: they are staff yet, and have not stopped."""
        staff, sign_in = self.users.get(pass_.looked_by or ""), self.sign_ins.get(pass_.sign_in or "")
        if staff is None or not staff.is_staff or sign_in is None:
            return False
        session = SessionStore(sign_in.session_key)
        return impersonation.looks_as(session, pass_.user_id, pass_.tenant_id, now=now)

    def _proven(self, pass_: Pass, *, now: datetime) -> bool:
        user = self.users.get(pass_.user_id)
        if pass_.looked_by is not None and not self._looks(pass_, now=now):
            return False
        if user is None or (pass_.expires_at is not None and pass_.expires_at <= now.timestamp()):
            return False
        if pass_.key_id and pass_.key_id not in self.keys:
            return False
        if pass_.sign_in and pass_.sign_in not in self.sign_ins:
            return False
        return pass_.session_hash is None or pass_.session_hash == user.get_session_auth_hash()


def _good_keys(keys: set[str], now: datetime) -> dict[str, Role]:
    rows = ApiKey.objects.filter(pk__in=keys, revoked_at=None)
    return {key.pk: Role(key.role) for key in rows if key.expires_at is None or key.expires_at > now}
