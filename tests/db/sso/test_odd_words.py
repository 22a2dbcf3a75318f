"""A provider says what no text is, what no address is, or nothing at all: it is refused, and breaks nothing here."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.core.cache import cache
from django.utils import timezone

from tenants.models import SsoProvider, User
from tenants.oidc import keys
from tenants.oidc.trouble import Part, ProviderTrouble
from tenants.services.sso import sso_config
from tests.db.sso.journey import Journey, code_of
from tests.live.oidc.provider import Provider, Wrong

pytestmark = pytest.mark.django_db
Switch = Callable[..., SsoProvider]
HALF = "\ud800"  # of a pair: JSON can say it, UTF-8 cannot


@pytest.fixture
def provider(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """It signs anything: its own library would not."""

    def signed(claims: dict[str, Any], **header: str) -> str:
        key = provider.keys[0]
        pem = key.as_pem(private=True)
        return jwt.encode(claims, pem, algorithm="RS256", headers={"kid": key.kid, **header})

    monkeypatch.setattr(provider, "signed", signed)
    return provider


@pytest.mark.parametrize("claim", ["sid", "nonce", "at_hash", "sub", "iss", "given_name", "groups"])
@pytest.mark.parametrize("text", ["a\0b", HALF], ids=["nul", "half"])
def test_a_token_with_what_no_text_is_is_refused(
    sso: Switch, journey: Journey, provider: Provider, claim: str, text: str
) -> None:
    sso(create_members=True)
    provider.extra = {claim: [text] if claim == "groups" else text}
    assert code_of(journey.sign_in()) == "sso_answer"
    assert not User.objects.filter(email="ana@acme.test").exists()


@pytest.mark.parametrize("text", ["a\0b", HALF], ids=["nul", "half"])
@pytest.mark.parametrize("claim", ["sub", "sid", "jti"])
def test_so_is_a_logout_token(sso: Switch, journey: Journey, provider: Provider, claim: str, text: str) -> None:
    sso()
    said = {"logout_token": provider.logout_token(**{claim: text})}
    assert journey.client.post("/auth/oidc/backchannel-logout/ours", said).status_code == 400


@pytest.mark.parametrize("token", ["é", HALF, "a\0", "a\r\nX-Evil: 1", ""], ids=ascii)
def test_an_access_token_is_one_word(
    sso: Switch, journey: Journey, provider: Provider, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    sso(create_members=True)
    provider.extra = {"at_hash": None}
    exchange = provider.exchange
    monkeypatch.setattr(provider, "exchange", lambda *asked: (200, exchange(*asked)[1] | {"access_token": token}))
    assert code_of(journey.sign_in()) == "sso_answer"


@pytest.mark.parametrize("text", ["a\0b", HALF], ids=["nul", "half"])
def test_a_document_that_cannot_be_kept_is_not_taken(
    sso: Switch, journey: Journey, provider: Provider, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A day later too, when it is asked again by whoever comes."""
    sso(create_members=True)
    SsoProvider.objects.update(metadata_at=timezone.now() - timedelta(days=2))
    said = provider.metadata()
    monkeypatch.setattr(provider, "metadata", lambda: {**said, "service_documentation": [text]})
    assert journey.sign_in().status_code == 302, "at its last word"


@pytest.mark.parametrize(
    "email",
    [
        "eve@evil.test@acme.test", "a b@acme.test", "<ana>@acme.test", '"ana"@acme.test', "ana@acme.test\n",
        "\u212aate@acme.test", "\u0130na@acme.test", "@acme.test", "ana@", "ana@acme", ".@acme.test",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_address_is_in_no_domain_and_is_nobodys(
    sso: Switch, journey: Journey, provider: Provider, email: str
) -> None:
    sso(create_members=True, link_by_email=True)
    provider.people["ana"]["email"] = email
    before = User.objects.count()
    assert code_of(journey.sign_in()) == "sso_unverified"
    sso(create_members=True, allowed_domains=("acme.test",))
    assert code_of(journey.other().sign_in()) == "sso_domain"
    assert User.objects.count() == before


def test_keys_that_cannot_be_had_are_not_asked_for_by_everybody(
    sso: Switch, journey: Journey, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A logout token needs no sign-in: anybody may send one."""
    client = sso_config.client_of(sso(), now=timezone.now())
    cache.delete(keys._name(client, "keys"))
    asked: list[str] = []

    def away(url: str, *_: object, **__: object) -> dict[str, Any]:
        asked.append(url)
        raise ProviderTrouble(Part.KEYS, "It does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(keys, "fetched_json", away)
        for _ in range(5):
            told = {"logout_token": provider.logout_token()}
            assert journey.client.post("/auth/oidc/backchannel-logout/ours", told).status_code == 400
        assert len(asked) == 1
    cache.delete(keys._name(client, "failed"))  # ten seconds later
    told = {"logout_token": provider.logout_token()}
    assert journey.client.post("/auth/oidc/backchannel-logout/ours", told).status_code == 200


def test_a_provider_that_is_away_is_not_asked_by_everybody_who_comes(
    sso: Switch, journey: Journey, provider: Provider
) -> None:
    sso()
    SsoProvider.objects.update(metadata_at=timezone.now() - timedelta(days=2))
    before = len(provider.asked("/.well-known/openid-configuration"))
    provider.wrong = {Wrong.DISCOVERY_ISSUER}
    for _ in range(5):
        journey.other().leave()
    assert len(provider.asked("/.well-known/openid-configuration")) == before + 1
