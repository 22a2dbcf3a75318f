"""A tenant's own sign-in provider: save how it is spoken to, and make the client that speaks."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from tenants import vault
from tenants.actor import Actor
from tenants.errors import InvalidField, Refused
from tenants.models import SignIn, SsoProvider, Tenant
from tenants.oidc import discovery, metadata
from tenants.oidc.claims import Rules
from tenants.oidc.client import Client
from tenants.oidc.trouble import ProviderTrouble
from tenants.roles import Role, Verb, rights
from tenants.scope import platform_scope
from tenants.services.signing_in import sign_ins
from tenants.services.sso.sso_rules import MASK, Wanted, check
from tenants.services.trail import audit

METADATA_GOOD_FOR = timedelta(hours=24)
AWAY_SECONDS = 60  # then it is asked again
PLAIN = (
    "enabled",
    "issuer",
    "client_id",
    "scopes",
    "default_role",
    "group_claim",
    "create_members",
    "link_by_email",
    "required",
    "session_hours",
)


class OwnersSaveThis(Refused):
    def __init__(self) -> None:
        detail = "While a group is mapped to owner, only an owner can save how people sign in."
        super().__init__(detail, "owner_needed", 403, (), {"needed": Verb.OWN.value})


def save(tenant: Tenant, wanted: Wanted, *, by: Actor, now: datetime) -> SsoProvider:
    """Ask the provider first where it is to be switched on: what does not answer is not saved as working.

    Raise `Refused` with the fields, or `OwnersSaveThis`.
    """
    check(wanted)
    is_owner = Verb.OWN in rights(by.role, is_staff=by.is_staff)
    if wanted.maps_owners and not is_owner:
        raise OwnersSaveThis
    document = _answering(wanted.issuer) if wanted.enabled else None
    with platform_scope(), transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)  # two first saves at once
        found = SsoProvider.objects.filter(tenant=tenant).first()
        provider = found or SsoProvider(tenant=tenant, created_at=now)
        before = shown(provider) if found else {}
        sealed = _secret(provider, wanted, is_new=found is None)
        _fill(provider, wanted, sealed=sealed, document=document, vouched=is_owner, now=now)
        provider.save()
        _end_strangers(provider, now=now)
        audit.record(
            "sso.save", by=by, now=now, tenant=tenant, thing=provider, name=provider.issuer, before=before,
            after=shown(provider),
        )  # fmt: skip
    return provider


def shown(provider: SsoProvider) -> dict[str, Any]:
    """Everything but the secret, of which only whether it is there, and that it is another, can be seen."""
    return {
        **{name: getattr(provider, name) for name in PLAIN},
        "group_roles": dict(provider.group_roles),
        "allowed_domains": list(provider.allowed_domains),
        "client_secret": provider.client_secret[-8:],  # redacted by name; a part that differs tells of a change
    }


def client_of(provider: SsoProvider, *, now: datetime) -> Client:
    """What the provider says about itself is asked again after a day. Raise `ProviderTrouble`."""
    return client_with(provider, _metadata(provider, now=now))


def client_with(provider: SsoProvider, found: metadata.Metadata) -> Client:
    return Client(
        tenant_id=provider.tenant_id,
        client_id=provider.client_id,
        client_secret=vault.unseal(provider.client_secret, about=secret_of(provider)),
        scopes=provider.scopes,
        redirect_uri=redirect_uri(),
        metadata=found,
    )


def rules_of(provider: SsoProvider) -> Rules:
    return Rules(
        default_role=Role(provider.default_role),
        group_roles={name: Role(role) for name, role in provider.group_roles.items()},
        allowed_domains=tuple(provider.allowed_domains),
        create_members=provider.create_members,
        link_by_email=provider.link_by_email,
        owner_vouches=provider.saved_by_owner,
    )


def redirect_uri() -> str:
    """To register with the provider. Never from a request's Host."""
    return f"{settings.BASE_URL.rstrip('/')}/auth/oidc/callback"


def signed_out_uri() -> str:
    return f"{settings.BASE_URL.rstrip('/')}/login"


def backchannel_uri(tenant: Tenant) -> str:
    """By the id, which outlives a new name."""
    return f"{settings.BASE_URL.rstrip('/')}/auth/oidc/backchannel-logout/{tenant.pk}"


def sign_in_url(tenant: Tenant) -> str:
    return f"{settings.BASE_URL.rstrip('/')}/login/{tenant.slug}"


def secret_of(provider: SsoProvider) -> str:
    """What its seal says it is about."""
    return f"sso_provider.client_secret:{provider.tenant_id}"


def _answering(issuer: str) -> dict[str, Any]:
    try:
        return discovery.fetch(issuer)[1]
    except ProviderTrouble as trouble:
        raise InvalidField("issuer", trouble.sentence, "unreachable") from trouble


def _secret(provider: SsoProvider, wanted: Wanted, *, is_new: bool) -> str:
    """Sealed. What was entered for one provider is never sent to another: a new issuer or client needs it anew."""
    if wanted.client_secret != MASK:
        return vault.seal(wanted.client_secret, about=secret_of(provider))
    moved = (wanted.issuer, wanted.client_id) != (provider.issuer, provider.client_id)
    if not is_new and moved and provider.client_secret:
        raise InvalidField(
            "client_secret", "Enter the client secret anew: the issuer or the client id is another.", "required"
        )
    return provider.client_secret


def _fill(
    provider: SsoProvider,
    wanted: Wanted,
    *,
    sealed: str,
    document: dict[str, Any] | None,
    vouched: bool,
    now: datetime,
) -> None:
    if document is not None or provider.issuer != wanted.issuer:
        provider.metadata, provider.metadata_at = document or {}, now if document is not None else None
    for name in PLAIN:
        setattr(provider, name, getattr(wanted, name))
    provider.client_secret = sealed
    provider.group_roles = dict(wanted.group_roles)
    provider.allowed_domains = list(wanted.allowed_domains)
    provider.saved_by_owner = vouched
    provider.updated_at = now


def _end_strangers(provider: SsoProvider, *, now: datetime) -> None:
    """Whoever came in by a provider that is not trusted any more."""
    theirs = SignIn.objects.filter(tenant=provider.tenant, ended_at=None).exclude(sso_issuer="")
    if provider.enabled:
        theirs = theirs.exclude(sso_issuer=provider.issuer)
    sign_ins.end(theirs, reason="sso_changed", now=now)


def _metadata(provider: SsoProvider, *, now: datetime) -> metadata.Metadata:
    """One that cannot be asked again is taken at its last word, and not asked by everybody who comes meanwhile."""
    at = provider.metadata_at
    if provider.metadata and at is not None and now - at < METADATA_GOOD_FOR:
        return metadata.parse(provider.metadata, issuer=provider.issuer)
    old = metadata.parse(provider.metadata, issuer=provider.issuer) if provider.metadata else None
    away = f"sso:away:{provider.tenant_id}:{hashlib.sha256(provider.issuer.encode()).hexdigest()[:32]}"
    if old is not None and cache.get(away):
        return old
    try:
        found, document = discovery.fetch(provider.issuer)
    except ProviderTrouble:
        if old is None:
            raise
        cache.set(away, 1, AWAY_SECONDS)
        return old
    with platform_scope():
        SsoProvider.objects.filter(pk=provider.pk, issuer=provider.issuer).update(metadata=document, metadata_at=now)
    return found
