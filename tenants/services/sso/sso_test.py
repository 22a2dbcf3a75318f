"""Try a tenant's provider, step by step, and say of each what was seen: true, false, or that it cannot be tried."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.db import transaction

from tenants.actor import Actor
from tenants.errors import Refused
from tenants.models import SsoProvider, Tenant
from tenants.oidc import backend, discovery, keys, metadata
from tenants.oidc.client import Client
from tenants.oidc.metadata import ALGORITHMS, Metadata
from tenants.oidc.trouble import Part, ProviderTrouble
from tenants.outbound import guard, http
from tenants.outbound.guard import Unreachable
from tenants.queries import sso as sso_queries
from tenants.scope import platform_scope
from tenants.services.sso import sso_config
from tenants.services.trail import audit

BAD_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
# What a provider answers about the code alone, once it has accepted who asks.
CLIENT_ACCEPTED = frozenset({"invalid_grant"})


@dataclass(frozen=True, slots=True)
class Step:
    """`ok` is None where it could not be tried; `detail` then says why. `ms`: how long it took."""

    name: str
    ok: bool | None
    detail: str
    ms: int = 0


@dataclass(slots=True)
class Trial:
    """The steps so far. One that fails leaves those that lean on it untried."""

    steps: list[Step] = field(default_factory=list)

    def step(self, name: str, look: Callable[[], tuple[bool | None, str]]) -> bool:
        began = time.perf_counter()
        try:
            ok, detail = look()
        except ProviderTrouble as trouble:
            ok, detail = False, trouble.sentence
        except Unreachable as trouble:
            ok, detail = False, trouble.sentence
        self.steps.append(Step(name, ok, detail, round((time.perf_counter() - began) * 1000)))
        return ok is True

    def untried(self, names: tuple[str, ...], why: str) -> None:
        self.steps.extend(Step(name, None, why) for name in names)


class NothingSaved(Refused):
    def __init__(self) -> None:
        super().__init__("Save a provider first, then test it.", "not_configured", 422)


AFTER_DISCOVERY = ("issuer", "endpoints", "keys", "algorithms", "pkce", "client", "redirect_uri")


def run(tenant: Tenant, *, by: Actor, now: datetime) -> list[Step]:
    """Changes nothing. Raise `NothingSaved`."""
    provider = sso_queries.provider(tenant)
    if provider is None:
        raise NothingSaved
    steps = _tried(provider)
    with platform_scope(), transaction.atomic():
        failed = ", ".join(step.name for step in steps if step.ok is False)
        detail = f"failed: {failed}" if failed else "passed"
        audit.record("sso.test", by=by, now=now, tenant=tenant, name=provider.issuer, detail=detail)
    return steps


def _tried(provider: SsoProvider) -> list[Step]:
    trial = Trial()
    documents: list[dict[str, object]] = []

    def discover() -> tuple[bool, str]:
        url = metadata.discovery_url(provider.issuer)
        documents.append(discovery.fetched_json(url, Part.DISCOVERY))
        return True, f"The provider answers at {url}."

    if not trial.step("address", lambda: _address(provider.issuer)):
        trial.untried(("discovery", *AFTER_DISCOVERY), "Needs the provider's address first.")
        return trial.steps
    if not trial.step("discovery", discover):
        trial.untried(AFTER_DISCOVERY, "Needs the discovery document first.")
        return trial.steps
    document = documents[0]
    fits = trial.step("issuer", lambda: _issuer(document, provider.issuer))
    if not fits or not trial.step("endpoints", lambda: _endpoints(document, provider.issuer)):
        done = {step.name for step in trial.steps}
        left = tuple(name for name in AFTER_DISCOVERY if name not in done)
        trial.untried(left, "Needs a discovery document that fits the issuer.")
        return trial.steps
    client = sso_config.client_with(provider, metadata.parse(document, issuer=provider.issuer))
    trial.step("keys", lambda: _keys(client))
    trial.step("algorithms", lambda: _algorithms(client))
    trial.step("pkce", lambda: _pkce(client.metadata))
    trial.step("client", lambda: _credentials(client))
    trial.step("redirect_uri", lambda: _redirect(client))
    return trial.steps


def _address(issuer: str) -> tuple[bool, str]:
    target = http.target_of(issuer)
    found = guard.resolve(target.host, target.port, ports=http.PORTS)
    return True, f"The provider's name leads to {', '.join(address.ip for address in found)}."


def _issuer(document: dict[str, object], issuer: str) -> tuple[bool, str]:
    metadata.check_issuer(document, issuer)
    return True, "The provider names itself exactly so."


def _endpoints(document: dict[str, object], issuer: str) -> tuple[bool, str]:
    found = metadata.parse(document, issuer=issuer)
    lacks = [name for name in ("userinfo_endpoint", "end_session_endpoint") if not getattr(found, name)]
    without = f" It has no {' and no '.join(lacks)}." if lacks else ""
    return True, f"Authorization, token and keys are there.{without}"


def _keys(client: Client) -> tuple[bool, str]:
    listed = keys.fetch(client)
    able = sum(len(keys.usable(listed, name)) for name in ALGORITHMS)
    if not able:
        return False, f"None of its {len(listed)} keys can sign with {' or '.join(ALGORITHMS)}."
    return True, f"{able} of {len(listed)} keys can be used."


def _algorithms(client: Client) -> tuple[bool, str]:
    if client.algorithms:
        return True, f"It signs with {', '.join(client.algorithms)}."
    return False, f"It signs with {', '.join(client.metadata.algorithms)[:200]}; we verify {', '.join(ALGORITHMS)}."


def _pkce(found: Metadata) -> tuple[bool | None, str]:
    if found.pkce is None:
        return None, "The provider does not say whether it checks PKCE; we send it all the same."
    if "S256" in found.pkce:
        return True, "It checks PKCE with S256."
    return False, "It offers PKCE without S256, and we use nothing else."


def _credentials(client: Client) -> tuple[bool | None, str]:
    """With a code that nobody issued: who is turned away for the code was let in as a client."""
    answer = backend.exchanged(
        client,
        {
            "grant_type": "authorization_code",
            "client_id": client.client_id,
            "code": f"veloflux-test-{secrets.token_hex(8)}",
            "redirect_uri": client.redirect_uri,
            "code_verifier": secrets.token_urlsafe(48),
        },
    )
    word = backend.error_of(answer)
    if word in BAD_CLIENT or answer.status == 401:
        return False, f"The provider does not accept the client id and secret ({word})."
    if word in CLIENT_ACCEPTED:
        return True, "The provider accepts the client id and secret."
    return None, f"The provider answers {word}, which does not tell. A real sign-in will."


def _redirect(client: Client) -> tuple[bool | None, str]:
    """Asked without a session and without a page: a provider may send an error only to a redirect URI that it knows."""
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": client.scopes,
        "state": secrets.token_urlsafe(24),
        "nonce": secrets.token_urlsafe(24),
        "prompt": "none",
        "code_challenge": secrets.token_urlsafe(32),
        "code_challenge_method": "S256",
    }
    where = client.metadata.authorization_endpoint
    answer = http.get(f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}", accept="text/html")
    location = answer.headers.get("location", "")
    if 300 <= answer.status < 400 and location.split("?")[0] == client.redirect_uri:
        return True, f"The provider knows {client.redirect_uri}."
    if answer.status in (400, 403) and b"redirect_uri" in answer.body.lower():
        return False, f"The provider refuses it. Register this redirect URI: {client.redirect_uri}"
    return None, f"Status {answer.status} does not tell. Register this redirect URI: {client.redirect_uri}"
