"""Who comes in by a tenant's own provider, as whom, and as what.

A provider speaks for its tenant and for no other: it is (tenant, issuer, subject) that is known here, never an e-mail
address; what it opens is bound to the tenant (`SignIn.tenant`); and it makes nobody's address verified.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction

from tenants.actor import SYSTEM, Actor
from tenants.errors import Refused
from tenants.models import Membership, Outcome, SignIn, SsoIdentity, SsoProvider, Tenant, TenantStatus, User
from tenants.oidc import claims
from tenants.oidc.claims import Rules, Who
from tenants.queries import people
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.services.signing_in import reauth
from tenants.services.sso import sso_config
from tenants.services.tenancy import members, tenancy
from tenants.services.trail import audit

NAME = "single sign-on"


@dataclass(frozen=True, slots=True)
class Admitted:
    user: User
    membership: Membership


class NotLetIn(Refused):
    """`code` tells them apart in the audit log and in tests; the sentence is for who stands at the door."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail, code, 403)


def not_known() -> NotLetIn:
    """The same whether nobody, a member or somebody elsewhere has that address: the door tells strangers nothing."""
    return NotLetIn(
        "sso_not_known",
        "Nobody here is linked to this sign-in. Ask an owner or an admin to invite you; if you have an account, sign "
        "in with your password and link it in your profile.",
    )


def unverified() -> NotLetIn:
    return NotLetIn("sso_unverified", "Your provider does not say that your e-mail address is verified.")


def other_domain() -> NotLetIn:
    return NotLetIn("sso_domain", "Your e-mail address is not in a domain that may sign in here.")


def stand_still() -> NotLetIn:
    return NotLetIn("sso_suspended", "Your place here is suspended. Ask an owner or an admin.")


def staff_elsewhere() -> NotLetIn:
    return NotLetIn("sso_staff", "Staff of the platform sign in with their own password, never by a tenant's provider.")


def enter(provider: SsoProvider, who: Who, *, by: Actor, now: datetime) -> Admitted:
    """Let them in, or raise `NotLetIn` or `LimitReached`; both are written down. `by` says from where."""
    tenant = provider.tenant
    try:
        with platform_scope(), transaction.atomic():
            admitted = _admit(provider, who, by=actor(by), now=now)
            audit.record(
                "sign_in.sso", by=_as(admitted.user, by), now=now, tenant=tenant, thing=admitted.user, name=who.email
            )
    except Refused as refused:
        refused_entry(tenant, refused.code, by=by, now=now, name=who.email or who.subject)
        raise
    return admitted


def refused_entry(tenant: Tenant, why: str, *, by: Actor, now: datetime, name: str = "") -> None:
    """Nobody came in. `why` is for the tenant's own people."""
    audit.record(
        "sign_in.sso", by=actor(by), now=now, tenant=tenant, name=name[:200], outcome=Outcome.REFUSED, detail=why
    )


def link(provider: SsoProvider, who: Who, user: User, *, by: Actor, now: datetime) -> SsoIdentity:
    """Of a member who is signed in by their own means, and chose to. Raise `NotLetIn`."""
    with platform_scope(), transaction.atomic():
        tenancy.hold(provider.tenant_id)
        membership = _member(provider, user)
        if membership is None:
            raise not_known()
        _refuse_unfit(user, membership)
        if not claims.in_domain(who, sso_config.rules_of(provider)):
            raise other_domain()
        taken = SsoIdentity.objects.filter(tenant=provider.tenant_id, issuer=who.issuer, subject=who.subject).first()
        if taken is not None and taken.user_id != user.pk:
            raise NotLetIn("sso_taken", "This sign-in belongs to another member here. Sign out at your provider first.")
        SsoIdentity.objects.filter(tenant=provider.tenant_id, issuer=who.issuer, user=user).exclude(
            subject=who.subject
        ).delete()
        identity = taken or _identity(provider, who, user, now=now)
        audit.record("sso.link", by=by, now=now, tenant=provider.tenant, thing=identity, name=user.email)
    return identity


def unlink(tenant: Tenant, user: User, *, by: Actor, now: datetime) -> None:
    """Of oneself, in one tenant. Silent where there is nothing."""
    with platform_scope(), transaction.atomic():
        gone, _ = SsoIdentity.objects.filter(tenant=tenant, user=user).delete()
        if gone:
            audit.record("sso.unlink", by=by, now=now, tenant=tenant, name=user.email)


def actor(by: Actor) -> Actor:
    """The provider's word, with the address of who brought it."""
    return replace(SYSTEM, through=NAME, name=NAME, address=by.address, request_id=by.request_id)


def _as(user: User, by: Actor) -> Actor:
    return Actor(user.pk, NAME, request_id=by.request_id, address=by.address, name=user.email)


def _admit(provider: SsoProvider, who: Who, *, by: Actor, now: datetime) -> Admitted:
    """Under the tenant's lock: two first sign-ins at once make one person."""
    is_open = tenancy.hold(provider.tenant_id).status == TenantStatus.ACTIVE
    rules = sso_config.rules_of(provider)
    if not claims.in_domain(who, rules):
        raise other_domain()
    if not is_open:  # suspended or deleted: a member comes in, to look; nobody is made one
        rules = replace(rules, create_members=False)
    identity = _known(provider, who)
    user = identity.user if identity else _linked(provider, who, rules) or _created(provider, who, rules, now=now)
    membership = _member(provider, user) or _joined(provider, user, who, rules, by=by, now=now)
    _refuse_unfit(user, membership)
    identity = identity or _identity(provider, who, user, now=now)
    membership = _with_role(membership, identity, who, rules, by=by, now=now)
    identity.email, identity.last_sign_in_at = who.email, now
    identity.mapped_role = claims.mapped_role(who, rules) or ""
    identity.save(update_fields=["email", "last_sign_in_at", "mapped_role"])
    User.objects.filter(pk=user.pk).update(last_login=now)
    return Admitted(user, membership)


def _member(provider: SsoProvider, user: User) -> Membership | None:
    """Those too who may not use their place: they are told so, and not given another."""
    return Membership.objects.filter(user=user, tenant=provider.tenant_id).first()


def _known(provider: SsoProvider, who: Who) -> SsoIdentity | None:
    rows = SsoIdentity.objects.select_related("user").filter(tenant=provider.tenant_id)
    return rows.filter(issuer=who.issuer, subject=who.subject).first()


def _linked(provider: SsoProvider, who: Who, rules: Rules) -> User | None:
    """The member whose address the provider vouches for, where the tenant wants that; None: nobody has the address.

    Never one who has another subject there (an address that was given to somebody else), and an owner only where an
    owner saved the rules: who may enter a provider must not thereby become an owner.
    """
    user = people.by_email(who.email) if who.email else None
    if user is None:
        return None
    membership = _member(provider, user)
    if membership is None or not rules.link_by_email:
        raise not_known()
    if not who.email_verified:
        raise unverified()
    if membership.role == Role.OWNER and not rules.owner_vouches:
        raise not_known()
    if SsoIdentity.objects.filter(tenant=provider.tenant_id, issuer=who.issuer, user=user).exists():
        raise not_known()
    return user


def _created(provider: SsoProvider, who: Who, rules: Rules, *, now: datetime) -> User:
    """Somebody new to the platform: without a password, and without a verified address. They get those by our mail."""
    if not rules.create_members:
        raise not_known()
    if not who.email_verified:
        raise unverified()
    user = User(email=who.email, first_name=who.first_name, last_name=who.last_name, created_at=now)
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:  # made this very moment, by another tenant's provider or by themselves
        raise not_known() from error
    return user


def _joined(provider: SsoProvider, user: User, who: Who, rules: Rules, *, by: Actor, now: datetime) -> Membership:
    if user.is_staff:
        raise staff_elsewhere()
    if not rules.create_members:
        raise not_known()
    if not who.email_verified:
        raise unverified()
    role = claims.mapped_role(who, rules) or rules.default_role
    return members.join(provider.tenant, user, role, by=by, now=now)


def _refuse_unfit(user: User, membership: Membership) -> None:
    if user.is_staff:
        raise staff_elsewhere()
    if not user.is_active or membership.suspended_at is not None:
        raise stand_still()


def _with_role(
    membership: Membership, identity: SsoIdentity, who: Who, rules: Rules, *, by: Actor, now: datetime
) -> Membership:
    """As the map says. The last owner stays one."""
    before = Role(identity.mapped_role) if identity.mapped_role else None
    mapped = claims.mapped_role(who, rules)
    role = claims.next_role(Role(membership.role), mapped=mapped, before=before, of=who, rules=rules)
    if role == membership.role:
        return membership
    try:
        return members.change_role(membership, role, by=by, now=now)
    except members.LastOwner:
        return membership


def _identity(provider: SsoProvider, who: Who, user: User, *, now: datetime) -> SsoIdentity:
    made: SsoIdentity = SsoIdentity.objects.create(
        tenant=provider.tenant, user=user, issuer=who.issuer, subject=who.subject, email=who.email, created_at=now
    )
    return made


def bound(sign_in: SignIn, provider: SsoProvider, who: Who, *, is_fresh: bool, now: datetime) -> None:
    """How long it lasts, and when the person proved who they are: that they were remembered there is no proof."""
    stated = datetime.fromtimestamp(who.proven_at, UTC) if who.proven_at is not None else None
    long_ago = now - 2 * reauth.FRESH
    proven = now if is_fresh else min(stated or long_ago, now)
    ends = now + timedelta(hours=provider.session_hours)
    SignIn.objects.filter(pk=sign_in.pk).update(expires_at=ends, proven_at=proven)
    sign_in.expires_at, sign_in.proven_at = ends, proven
