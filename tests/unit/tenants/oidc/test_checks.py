"""What a token must say, to the letter."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenants.oidc import checks
from tenants.oidc.checks import Expected
from tenants.oidc.trouble import Part, ProviderTrouble

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EXPECTED = Expected("https://id.example", "console", NOW, nonce="n1")


def claims(**changed: Any) -> dict[str, Any]:
    whole = {
        "iss": "https://id.example",
        "aud": "console",
        "sub": "s1",
        "iat": NOW.timestamp(),
        "exp": NOW.timestamp() + 300,
        "nonce": "n1",
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def at(seconds: float) -> float:
    return NOW.timestamp() + seconds


def test_a_good_one_passes() -> None:
    checks.id_token(claims(), EXPECTED)
    checks.id_token(claims(aud=["console", "other"], azp="console"), EXPECTED)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"iss": "https://id.example/"}, "issuer"),
        ({"iss": ...}, "issuer"),
        ({"aud": "another"}, "another client"),
        ({"aud": []}, "another client"),
        ({"aud": ...}, "another client"),
        ({"aud": ["console", "other"]}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"exp": at(-61)}, "expired"),
        ({"exp": ...}, "exp is missing"),
        ({"exp": "tomorrow"}, "exp is missing"),
        ({"exp": True}, "exp is missing"),
        ({"exp": float("nan")}, "exp is missing"),
        ({"exp": float("inf")}, "exp is missing"),
        ({"exp": 10**400}, "exp is missing"),
        ({"iat": at(61)}, "in the future"),
        ({"iat": at(-661)}, "too long ago"),
        ({"iat": ...}, "iat is missing"),
        ({"nbf": at(61)}, "not valid yet"),
        ({"nonce": "n2"}, "nonce"),
        ({"nonce": ...}, "nonce"),
        ({"nonce": ["n1"]}, "nonce"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "s" * 256}, "subject"),
        ({"sub": "a\nb"}, "subject"),
    ],
    ids=str,
)
def test_a_bad_one_is_named(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ProviderTrouble) as caught:
        checks.id_token(claims(**changed), EXPECTED)
    assert says in caught.value.sentence
    assert caught.value.part is Part.IDENTITY


def test_clocks_may_differ_by_a_minute() -> None:
    checks.id_token(claims(exp=at(-59), iat=at(-300), nbf=at(59)), EXPECTED)
    checks.id_token(claims(iat=at(59)), EXPECTED)


def test_who_was_asked_to_sign_in_anew_must_have_done_so() -> None:
    asked = Expected("https://id.example", "console", NOW, nonce="n1", proven_since=NOW - timedelta(minutes=2))
    checks.id_token(claims(auth_time=at(-30)), asked)
    for stated in (at(-3600), ...):
        with pytest.raises(ProviderTrouble):
            checks.id_token(claims(auth_time=stated), asked)


def test_the_hash_of_the_access_token_fits_where_it_is_there() -> None:
    # OpenID Connect Core, appendix A.4.
    token, known = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "77QmUPtjPfzWtF2AnpK9RQ"
    checks.access_token_hash({"at_hash": known}, token, "RS256")
    checks.access_token_hash({}, token, "RS256")
    for wrong in ("", "77QmUPtjPfzWtF2AnpK9RR", 5):
        with pytest.raises(ProviderTrouble):
            checks.access_token_hash({"at_hash": wrong}, token, "RS256")


def logout(**changed: Any) -> dict[str, Any]:
    return claims(**{"nonce": ..., "jti": "j1", "events": {checks.LOGOUT_EVENT: {}}, **changed})


def test_a_logout_token_passes_by_subject_or_by_session() -> None:
    checks.logout_token(logout(), EXPECTED)
    checks.logout_token(logout(sub=..., sid="x", exp=...), EXPECTED)


@pytest.mark.parametrize(
    "changed",
    [
        {"events": {}},
        {"events": {checks.LOGOUT_EVENT: True}},
        {"events": ...},
        {"nonce": "n1"},
        {"sub": ...},
        {"jti": ...},
        {"aud": "another"},
        {"iss": "https://other.example"},
        {"iat": at(-400)},
        {"exp": at(-61)},
    ],
    ids=str,
)
def test_an_id_token_is_no_logout_token(changed: dict[str, Any]) -> None:
    with pytest.raises(ProviderTrouble):
        checks.logout_token(logout(**changed), EXPECTED)


def test_userinfo_speaks_of_the_same_subject() -> None:
    checks.same_subject({"sub": "s1"}, {"sub": "s1"})
    for other in ({"sub": "s2"}, {}):
        with pytest.raises(ProviderTrouble):
            checks.same_subject({"sub": "s1"}, other)
