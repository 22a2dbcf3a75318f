"""The way back from a tenant's own provider: one attempt, of this browser, once."""

from datetime import UTC, datetime

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from tenants.console.sso import sso_cookies
from tenants.console.sso.sso_flow import by
from tenants.console.sso.sso_pages import NotUnderstood, RefusedThere, by_address, door_url, problem
from tenants.errors import Refused
from tenants.models import SignInMethod, SsoProvider
from tenants.oidc.backend import Backend
from tenants.oidc.claims import Who
from tenants.oidc.client import Client
from tenants.oidc.trouble import Part, ProviderTrouble
from tenants.queries import directory
from tenants.queries import sso as sso_queries
from tenants.services.signing_in import console_sessions
from tenants.services.signing_in.console_sessions import Sso
from tenants.services.sso import sso, sso_attempts, sso_config
from tenants.services.sso.sso_attempts import Attempt, AttemptGone, Purpose

log = structlog.get_logger(__name__)
# The provider would have to show a page, and was asked not to.
NEEDS_THE_PERSON = frozenset(
    {"login_required", "interaction_required", "consent_required", "account_selection_required"}
)


@by_address
@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    now = timezone.now()
    try:
        attempt = sso_attempts.take(state, sso_cookies.shown(request, state), now=now)
        provider = _provider(attempt)
    except AttemptGone as gone:
        return problem(request, gone)
    try:
        response = _back(request, provider, attempt, now=now)
    except ProviderTrouble as trouble:
        log.warning("sso_refused", tenant=provider.tenant_id, part=trouble.part.value, why=trouble.sentence)
        sso.refused_entry(provider.tenant, str(trouble), by=by(request), now=now)
        response = problem(request, NotUnderstood(), provider.tenant)
    except Refused as refused:
        response = problem(request, refused, provider.tenant)
    sso_cookies.take_back(response, state)
    return response


def _provider(attempt: Attempt) -> SsoProvider:
    """Of the tenant that the attempt was begun for, and of no other."""
    tenant = directory.fresh(attempt.tenant_id)
    provider = sso_queries.enabled_provider(tenant) if tenant is not None else None
    if provider is None:
        raise AttemptGone
    return provider


def _back(request: HttpRequest, provider: SsoProvider, attempt: Attempt, *, now: datetime) -> HttpResponse:
    client = sso_config.client_of(provider, now=now)
    _same_provider(request, client)
    if error := request.GET.get("error", ""):
        return _refused_there(request, provider, attempt, error, now=now)
    fresh = attempt.purpose == Purpose.FRESH
    since = datetime.fromtimestamp(attempt.started_at, UTC) if fresh else None
    backend = Backend(client, group_claim=provider.group_claim, now=now, proven_since=since)
    who = backend.authenticate(request, nonce=attempt.nonce, code_verifier=attempt.verifier)
    if attempt.purpose == Purpose.LINK:
        return _linked(request, provider, attempt, who, now=now)
    return _signed_in(request, provider, attempt, who, id_token=backend.id_token, now=now)


def _same_provider(request: HttpRequest, client: Client) -> None:
    """An answer that names its issuer names this one (RFC 9207): a code of another provider is not carried here."""
    named = request.GET.get("iss")
    if named is None and client.metadata.names_itself:
        raise ProviderTrouble(Part.EXCHANGE, "The answer does not name its issuer, as this provider's do.")
    if named is not None and named != client.issuer:
        raise ProviderTrouble(Part.EXCHANGE, f"The answer is of another issuer: {named[:200]!r}.")


def _refused_there(
    request: HttpRequest, provider: SsoProvider, attempt: Attempt, error: str, *, now: datetime
) -> HttpResponse:
    if attempt.purpose == Purpose.SILENT and error in NEEDS_THE_PERSON:
        response: HttpResponse = HttpResponseRedirect(door_url(provider.tenant.slug, attempt.next))
        sso_cookies.forget(response)
        return response
    said = error if error.isascii() and error.isprintable() else "?"
    sso.refused_entry(provider.tenant, f"the provider says {said[:60]}", by=by(request), now=now)
    return problem(request, RefusedThere(), provider.tenant)


def _signed_in(
    request: HttpRequest, provider: SsoProvider, attempt: Attempt, who: Who, *, id_token: str, now: datetime
) -> HttpResponse:
    admitted = sso.enter(provider, who, by=by(request), now=now)
    begun = console_sessions.begin(
        request,
        admitted.user,
        method=SignInMethod.SSO,
        second_factor=who.second_factor,
        tenant=provider.tenant,
        sso=Sso(who.issuer, who.subject, who.session, id_token),
    )
    sso.bound(begun, provider, who, is_fresh=attempt.purpose == Purpose.FRESH, now=now)
    response = HttpResponseRedirect(attempt.next)
    sso_cookies.remember(response, provider.tenant.slug)
    return response


def _linked(request: HttpRequest, provider: SsoProvider, attempt: Attempt, who: Who, *, now: datetime) -> HttpResponse:
    """For the person who asked, if they are still the one who is signed in here."""
    current = console_sessions.of(request)
    if current is None or str(current.user_id) != attempt.user_id:
        raise AttemptGone
    sso.link(provider, who, current.user, by=by(request), now=now)
    messages.success(request, _("Linked. From now on you can sign in by your company too."))
    return HttpResponseRedirect(reverse("account:sso-links"))
