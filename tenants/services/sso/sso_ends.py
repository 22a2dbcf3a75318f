"""The end of a single sign-on: the person signs out everywhere, or the provider says that they have."""

from datetime import datetime
from urllib.parse import urlencode

from django.db import transaction

from tenants import vault
from tenants.actor import Actor
from tenants.models import SignIn, SsoProvider
from tenants.oidc import checks, tokens
from tenants.oidc.trouble import Part, ProviderTrouble
from tenants.queries import sso as sso_queries
from tenants.scope import platform_scope
from tenants.services.signing_in import console_sessions, sign_ins
from tenants.services.sso import sso, sso_attempts, sso_config
from tenants.services.trail import audit

# Longer than a logout token is taken for.
JTI_SECONDS = int((checks.LOGOUT_OLDEST + 2 * checks.SKEW).total_seconds())


def provider_sign_out(sign_in: SignIn, *, now: datetime) -> str:
    """Where the browser goes to sign out there too (RP-Initiated Logout 1.0). Empty: the provider offers none."""
    tenant = sign_in.tenant
    provider = sso_queries.enabled_provider(tenant) if tenant is not None else None
    if provider is None or provider.issuer != sign_in.sso_issuer:
        return ""
    try:
        client = sso_config.client_of(provider, now=now)
        hint = vault.unseal(sign_in.id_token, about=console_sessions.id_token_of(sign_in))
    except (ProviderTrouble, vault.CannotOpen):
        return ""
    where = client.metadata.end_session_endpoint
    if not where:
        return ""
    asked = {"client_id": client.client_id, "post_logout_redirect_uri": sso_config.signed_out_uri()}
    if hint:
        asked["id_token_hint"] = hint
    return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"


def backchannel(provider: SsoProvider, logout_token: object, *, by: Actor, now: datetime) -> int:
    """End what the provider says is over: how many sign-ins. Raise `ProviderTrouble` for a token that is not good.

    Of the session that it names; without one, of all of the subject's at this tenant.
    """
    client = sso_config.client_of(provider, now=now)
    claims, _ = tokens.opened(logout_token, client, Part.LOGOUT)
    checks.logout_token(claims, checks.Expected(client.issuer, client.client_id, now))
    if not sso_attempts.once(provider.tenant_id, client.issuer, claims["jti"], seconds=JTI_SECONDS):
        raise ProviderTrouble(Part.LOGOUT, "It was used already.")
    subject, session = _text(claims.get("sub")), _text(claims.get("sid"))
    with platform_scope(), transaction.atomic():
        theirs = sso_queries.sign_ins_of(provider.tenant, client.issuer, subject=subject, session=session)
        ended = sign_ins.end(theirs, reason="sso_logout", now=now)
        if ended:
            actor = sso.actor(by)
            audit.record(
                "sign_in.end", by=actor, now=now, tenant=provider.tenant, name=subject, detail=f"{ended} ended"
            )
    return ended


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
