"""POST /api/oidc/test: of each step, what was seen."""

from typing import Any

import pytest

from tests import build
from tests.db.sso.test_api import PATH, TEST, body
from tests.db.sso.test_api import owner as owner
from tests.live.oidc.provider import Provider

pytestmark = pytest.mark.django_db


def test_each_step_of_a_test_is_told_truthfully(owner: build.Api, provider: Provider) -> None:
    provider.redirect_uris = {"http://testserver/auth/oidc/callback"}
    owner.put(PATH, body(provider))
    answer = owner.post(TEST).json()
    assert [step["name"] for step in answer["steps"]] == [
        "address", "discovery", "issuer", "endpoints", "keys", "algorithms", "pkce", "client", "redirect_uri",
    ]  # fmt: skip
    assert [step["ok"] for step in answer["steps"]] == [True] * 9, answer
    assert answer["ok"] is True
    assert provider.asked("/token")[0]["grant_type"] == "authorization_code", "it was really asked"


def failing(owner: build.Api) -> dict[str, Any]:
    return {step["name"]: step["ok"] for step in owner.post(TEST).json()["steps"] if step["ok"] is not True}


def test_a_failing_step_is_named(owner: build.Api, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.put(PATH, body(provider))
    provider.redirect_uris = {"http://elsewhere.test/"}
    assert failing(owner) == {"redirect_uri": False}
    provider.redirect_uris = set()
    owner.put(PATH, body(provider, client_secret="wrong"))
    assert failing(owner) == {"client": False}
    owner.put(PATH, body(provider))
    whole = provider.metadata()
    for changed, expected in (
        ({"code_challenge_methods_supported": ["plain"]}, {"pkce": False}),
        ({"code_challenge_methods_supported": None}, {"pkce": None}),
        ({"id_token_signing_alg_values_supported": ["HS256"]}, {"algorithms": False}),
        ({"issuer": "https://evil.example"}, {
            "issuer": False, "endpoints": None, "keys": None, "algorithms": None, "pkce": None, "client": None,
            "redirect_uri": None,
        }),
    ):  # fmt: skip
        monkeypatch.setattr(provider, "metadata", lambda changed=changed: {**whole, **changed})
        assert failing(owner) == expected, changed


def test_a_provider_that_is_away_fails_at_discovery_and_the_rest_is_untried(
    owner: build.Api, provider: Provider
) -> None:
    owner.put(PATH, body(provider))
    provider.stop()
    steps = owner.post(TEST).json()["steps"]
    seen = [(step["name"], step["ok"]) for step in steps]
    assert seen[:3] == [
        ("address", True),
        ("discovery", False),
        ("issuer", None),
    ]
    assert all(step["detail"] for step in steps)


def test_nothing_saved_is_nothing_to_test(owner: build.Api) -> None:
    assert owner.post(TEST).json()["code"] == "not_configured"


def test_asking_providers_is_expensive(owner: build.Api, provider: Provider, settings: Any) -> None:
    owner.put(PATH, body(provider))
    settings.THROTTLES = {"expensive": 2}
    assert [owner.post(TEST).status_code for _ in range(3)].count(429) >= 1
