"""/api/oidc: configure and try a tenant's own provider."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from tenants.models import AuditEntry, SignIn, SsoProvider
from tenants.roles import Role
from tenants.services.signing_in import reauth
from tests import build
from tests.conftest import World
from tests.db.sso.journey import Journey
from tests.live.oidc.provider import CLIENT, SECRET, Provider, Wrong

pytestmark = pytest.mark.django_db
PATH = "/api/tenants/ours/oidc/config"
TEST = "/api/tenants/ours/oidc/test"


@pytest.fixture
def owner(world: World) -> build.Api:
    return build.api(world.owner, world.ours)


def body(provider: Provider, **changed: Any) -> dict[str, Any]:
    return {
        "enabled": True,
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "group_roles": {"ops": "operator"},
        "allowed_domains": ["Acme.test"],
        **changed,
    }


def errors_of(answer: Any) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


def test_before_anything_is_saved_it_shows_what_to_register(owner: build.Api) -> None:
    shown = owner.get(PATH)
    assert shown.status_code == 200
    assert shown.headers["ETag"]
    assert (shown.json()["enabled"], shown.json()["client_secret"]) == (False, "")
    assert shown.json()["status"]["configured"] is False
    assert shown.json()["status"]["redirect_uri"] == "http://testserver/auth/oidc/callback"


def test_the_secret_goes_in_and_never_comes_out(owner: build.Api, provider: Provider, world: World) -> None:
    saved = owner.put(PATH, body(provider))
    assert saved.status_code == 200, saved.content
    for answer in (saved, owner.get(PATH), owner.get("/api/oidc/config")):
        assert answer.json()["client_secret"] == "****"
        assert SECRET not in answer.content.decode()
    assert saved.json()["allowed_domains"] == ["acme.test"]
    row = SsoProvider.objects.get()
    assert row.client_secret.startswith("v1.")
    written = AuditEntry.objects.filter(act="sso.save").latest("id")
    assert written.actor == world.owner.email
    assert SECRET not in str(written.after)


def test_four_stars_keep_the_secret(owner: build.Api, provider: Provider) -> None:
    owner.put(PATH, body(provider))
    sealed = SsoProvider.objects.get().client_secret
    answer = owner.put(PATH, {**owner.get(PATH).json(), "default_role": "operator"})
    assert answer.status_code == 200, answer.content
    assert SsoProvider.objects.get().client_secret == sealed
    left_out = body(provider)
    del left_out["client_secret"]
    owner.put(PATH, left_out)
    assert SsoProvider.objects.get().client_secret == sealed
    owner.put(PATH, body(provider, client_secret=""))
    assert owner.get(PATH).json()["client_secret"] == ""


def test_a_kept_secret_is_not_sent_to_another_provider(owner: build.Api, provider: Provider) -> None:
    owner.put(PATH, body(provider))
    for changed in ({"issuer": "http://127.0.0.1:1"}, {"client_id": "another"}):
        answer = owner.put(PATH, body(provider, enabled=False, client_secret="****", **changed))
        assert errors_of(answer) == ["/client_secret"]
    assert SsoProvider.objects.get().issuer == provider.issuer


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"issuer": "ftp://id.example"}, "/issuer"),
        ({"issuer": "https://user:pw@id.example"}, "/issuer"),
        ({"issuer": "https://id.example/?x=1"}, "/issuer"),
        ({"issuer": "https://id.example/.well-known/openid-configuration"}, "/issuer"),
        ({"issuer": ""}, "/issuer"),
        ({"client_id": ""}, "/client_id"),
        ({"scopes": "email profile"}, "/scopes"),
        ({"scopes": "openid  email"}, "/scopes"),
        ({"default_role": "owner"}, "/default_role"),
        ({"default_role": "king"}, "/default_role"),
        ({"group_roles": {"a": "king"}}, "/group_roles/a"),
        ({"group_roles": {"a\nb": "viewer"}}, "/group_roles"),
        ({"group_roles": ["a"]}, "/group_roles"),
        ({"allowed_domains": ["not a domain"]}, "/allowed_domains"),
        ({"allowed_domains": ["@acme.test"]}, "/allowed_domains"),
        ({"enabled": False, "required": True}, "/required"),
        ({"session_hours": 0}, "/session_hours"),
        ({"metadata": {}}, "/metadata"),
        ({"saved_by_owner": True}, "/saved_by_owner"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(owner: build.Api, provider: Provider, changed: dict[str, Any], pointer: str) -> None:
    answer = owner.put(PATH, body(provider, **changed))
    assert answer.status_code == 422, answer.content
    assert errors_of(answer)[0].startswith(pointer)
    assert not SsoProvider.objects.exists()


@pytest.mark.parametrize(
    ("issuer", "says"),
    [
        ("http://169.254.169.254", "public internet"),
        ("http://169.254.169.254:8080/latest", "public internet"),
        ("http://127.0.0.2:9000", "public internet"),
        ("http://10.0.0.1", "public internet"),
        ("http://[::1]:9000", "public internet"),
        ("http://[::ffff:127.0.0.1]", "written as what it is"),
        ("http://2130706433", "neither a host name"),
        ("http://0x7f000001/", "neither a host name"),
    ],
)
def test_an_issuer_inside_is_not_asked(owner: build.Api, provider: Provider, issuer: str, says: str) -> None:
    answer = owner.put(PATH, body(provider, issuer=issuer))
    assert errors_of(answer) == ["/issuer"]
    assert says in answer.json()["detail"]


def test_a_name_that_leads_inside_is_not_asked(
    owner: build.Api, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenants.outbound import guard

    monkeypatch.setattr(guard, "_addresses", lambda name: ["192.168.1.10"])
    answer = owner.put(PATH, body(provider, issuer="https://id.acme.example"))
    assert errors_of(answer) == ["/issuer"]
    assert "192.168.1.10" in answer.json()["detail"]


def test_without_an_allowance_loopback_and_http_are_refused(
    owner: build.Api, provider: Provider, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED = []
    assert errors_of(owner.put(PATH, body(provider))) == ["/issuer"]
    https = provider.issuer.replace("http:", "https:")
    assert "public internet" in owner.put(PATH, body(provider, issuer=https)).json()["detail"]
    assert not provider.seen, "nothing was sent"


def test_endpoints_inside_are_not_asked_either(owner: build.Api, provider: Provider, world: World) -> None:
    """Discovery of an honest address may name dishonest ones."""
    provider.wrong = {Wrong.INSIDE}
    assert owner.put(PATH, body(provider, create_members=True)).status_code == 200
    answer = Journey(provider, "ours").sign_in()
    assert answer.context["code"] == "sso_answer"
    steps = {step["name"]: step for step in owner.post(TEST).json()["steps"]}
    assert steps["keys"]["ok"] is False
    assert "169.254.169.254" in steps["keys"]["detail"]
    assert steps["client"]["ok"] is False


@pytest.mark.parametrize("lie", [Wrong.DISCOVERY_ISSUER, Wrong.REDIRECT, Wrong.HUGE, Wrong.NO_JSON])
def test_a_provider_that_does_not_answer_rightly_is_not_switched_on(
    owner: build.Api, provider: Provider, lie: Wrong
) -> None:
    provider.wrong = {lie}
    answer = owner.put(PATH, body(provider))
    assert errors_of(answer) == ["/issuer"], answer.content
    assert owner.put(PATH, body(provider, enabled=False)).status_code == 200, "but can be saved for later"


def test_a_slow_provider_is_not_waited_for(
    owner: build.Api, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenants.oidc import discovery

    monkeypatch.setattr(discovery, "SECONDS", 1.5)
    provider.wrong = {Wrong.SLOW}
    answer = owner.put(PATH, body(provider))
    said = [(error["pointer"], error["code"], error["detail"]) for error in answer.json()["errors"]]
    assert (answer.status_code, said) == (422, [("/issuer", "unreachable", "127.0.0.1 took longer than 1.5 s.")])
    assert not SsoProvider.objects.exists()


def test_it_is_for_who_may_change_secrets(world: World, provider: Provider) -> None:
    for role, status in ((Role.ADMIN, 200), (Role.OPERATOR, 403), (Role.VIEWER, 403), (Role.BILLING, 403)):
        client = build.api(build.member(world.ours, role), world.ours)
        assert client.get(PATH).status_code == status
        assert client.put(PATH, body(provider, enabled=False)).status_code == status
    assert build.api(world.their_owner).get(PATH).status_code == 404


def test_a_proof_of_this_morning_is_not_enough(owner: build.Api, provider: Provider) -> None:
    SignIn.objects.update(proven_at=timezone.now() - 2 * reauth.FRESH)
    answer = owner.put(PATH, body(provider))
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
    assert owner.get(PATH).status_code == 200


def test_a_stale_save_is_refused(owner: build.Api, provider: Provider) -> None:
    tag = owner.get(PATH).headers["ETag"]
    assert owner.put(PATH, body(provider), **{"If-Match": tag}).status_code == 200
    assert owner.put(PATH, body(provider), **{"If-Match": tag}).status_code == 412


@pytest.mark.parametrize("call", ["get", "test"])
def test_the_number_of_queries_is_small(
    owner: build.Api, provider: Provider, call: str, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    owner.put(PATH, body(provider))
    with django_assert_max_num_queries(12):
        assert (owner.get(PATH) if call == "get" else owner.post(TEST)).status_code == 200
