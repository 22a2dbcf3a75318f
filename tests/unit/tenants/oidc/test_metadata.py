"""What a provider may say about itself."""

from typing import Any

import pytest

from tenants.oidc.metadata import discovery_url, is_url, parse
from tenants.oidc.trouble import ProviderTrouble

ISSUER = "https://id.example/tenant"


def document(**changed: Any) -> dict[str, Any]:
    whole = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/auth",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/keys",
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def test_defaults_are_the_standards() -> None:
    found = parse(document(), issuer=ISSUER)
    assert found.algorithms == ("RS256",)
    assert found.client_auth == ("client_secret_basic",)
    assert found.pkce is None
    assert not found.names_itself
    assert discovery_url(ISSUER + "/") == f"{ISSUER}/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"issuer": "https://evil.example"}, "https://evil.example"),
        ({"issuer": ISSUER + "/"}, "exactly"),
        ({"issuer": ...}, "nothing"),
        ({"token_endpoint": ...}, "token_endpoint"),
        ({"jwks_uri": "http://id.example/keys"}, "jwks_uri"),
        ({"authorization_endpoint": "javascript:alert(1)//"}, "authorization_endpoint"),
        ({"authorization_endpoint": "https://user:pw@id.example/"}, "authorization_endpoint"),
        ({"end_session_endpoint": "//evil.example/"}, "end_session_endpoint"),
        ({"userinfo_endpoint": 7}, "userinfo_endpoint"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ProviderTrouble, match="discovery") as caught:
        parse(document(**changed), issuer=ISSUER)
    assert says in caught.value.sentence


@pytest.mark.parametrize("what", [None, [], "x", 7])
def test_what_is_no_object_is_refused(what: object) -> None:
    with pytest.raises(ProviderTrouble):
        parse(what, issuer=ISSUER)


def test_urls() -> None:
    assert is_url("https://id.example:8443/a?b=c", secure=True)
    assert is_url("http://127.0.0.1:9000", secure=False)
    for bad in (
        "",
        "https://",
        "https://a b/",
        "https://a/\n",
        "https://a\\b/",
        "ftp://a/",
        "https://a/#x",
        "http://a:x/",
    ):
        assert not is_url(bad, secure=False), bad
