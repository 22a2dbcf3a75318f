"""How a single sign-on ends: by the person, and by the provider's own word."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from balancer.live import passes, watch
from tenants.models import SignIn, SsoProvider
from tenants.roles import Role
from tests import build
from tests.conftest import World
from tests.db.sso.journey import Journey
from tests.live.oidc.provider import CLIENT, LOGOUT_EVENT, Provider, Wrong

pytestmark = pytest.mark.django_db
Switch = Callable[..., SsoProvider]


@pytest.fixture
def signed_in(sso: Switch, journey: Journey) -> Journey:
    sso(create_members=True)
    assert journey.sign_in().status_code == 302
    return journey


def tell(journey: Journey, token: object, slug: str = "ours") -> Any:
    return journey.client.post(f"/auth/oidc/backchannel-logout/{slug}", {"logout_token": token})


def test_signing_out_goes_on_to_the_provider(signed_in: Journey, provider: Provider) -> None:
    answer = signed_in.client.post("/auth/oidc/logout")
    where = urlsplit(answer.context["where"])
    asked = parse_qs(where.query)
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{provider.issuer}/logout"
    assert asked["post_logout_redirect_uri"] == ["http://testserver/login"]
    assert asked["client_id"] == [CLIENT]
    assert asked["id_token_hint"][0].count(".") == 2
    assert b'http-equiv="refresh"' in answer.content, "a form's policy would stop a redirect"
    assert not signed_in.is_in
    assert signed_in.client.get("/t/ours/").headers["Location"].startswith("/login"), "and not silently in again"


def test_signing_out_needs_a_post_and_its_token(signed_in: Journey) -> None:
    assert signed_in.client.get("/auth/oidc/logout").status_code == 405
    strict = type(signed_in.client)(enforce_csrf_checks=True)
    strict.cookies = signed_in.client.cookies
    assert strict.post("/auth/oidc/logout").status_code == 403
    assert signed_in.is_in


def test_who_signed_in_by_password_just_signs_out(world: World, sso: Switch, journey: Journey) -> None:
    sso()
    journey.client.force_login(world.owner)
    assert journey.client.post("/auth/oidc/logout").headers["Location"] == "/login"
    assert journey.client.post("/auth/oidc/logout").headers["Location"] == "/login", "nobody, too"


def test_the_provider_ends_its_session(signed_in: Journey, provider: Provider, world: World) -> None:
    other = signed_in.other()
    provider.sid = "provider-session-2"
    other.sign_in()
    answer = tell(signed_in, provider.logout_token(sid="provider-session-1"), world.ours.pk)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert not signed_in.is_in
    assert other.is_in
    assert SignIn.objects.get(sso_session="provider-session-1").end_reason == "sso_logout"
    tell(signed_in, provider.logout_token(sid=None))
    assert not other.is_in, "without a session: all of the subject's"


def test_open_sockets_close(signed_in: Journey, provider: Provider, world: World) -> None:
    shown = passes.Shown((), None, "ours", signed_in.client.session.session_key, "testserver")
    pass_ = passes.of_socket(shown, now=build.NOW.now(tz=build.NOW.tzinfo))
    now = build.NOW.now(tz=build.NOW.tzinfo)
    assert watch.withdrawn([pass_], now=now) == {}
    tell(signed_in, provider.logout_token())
    assert watch.withdrawn([pass_], now=now) == {pass_: watch.SIGN_IN}


def test_sockets_by_password_close_when_the_tenant_requires_its_own_sign_in(
    world: World, sso: Switch, journey: Journey
) -> None:
    now = build.NOW.now(tz=build.NOW.tzinfo)
    journey.client.force_login(world.viewer)
    shown = passes.Shown((), None, "ours", journey.client.session.session_key, "testserver")
    pass_ = passes.of_socket(shown, now=now)
    sso(required=True)
    assert watch.withdrawn([pass_], now=now) == {pass_: watch.NOT_YOURS}


def test_a_socket_of_an_sso_session_is_for_its_tenant(world: World, sso: Switch, journey: Journey) -> None:
    from tenants.errors import NotFound

    ana = build.member(world.ours, Role.OPERATOR, email="ana@acme.test")
    build.join(ana, world.theirs, Role.OWNER)
    sso(link_by_email=True)
    journey.sign_in()
    shown = passes.Shown((), None, "theirs", journey.client.session.session_key, "testserver")
    with pytest.raises(NotFound):
        passes.of_socket(shown, now=build.NOW.now(tz=build.NOW.tzinfo))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"events": {}},
        {"events": {LOGOUT_EVENT: "yes"}},
        {"nonce": "n"},
        {"iat": time.time() - 3600},
        {"iat": time.time() + 3600},
        {"exp": time.time() - 3600},
        {"sub": None, "sid": None},
        {"jti": None},
    ],
    # Names without the time: the same in every worker, and tomorrow.
    ids=["aud", "iss", "no events", "another event", "nonce", "old", "of later", "ended", "nobody", "no jti"],
)
def test_a_logout_token_that_is_none_ends_nothing(
    signed_in: Journey, provider: Provider, changed: dict[str, Any]
) -> None:
    answer = tell(signed_in, provider.logout_token(**changed))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert signed_in.is_in


@pytest.mark.parametrize("lie", [Wrong.UNSIGNED, Wrong.SYMMETRIC, Wrong.STRANGE_KEY])
def test_a_logout_token_of_somebody_else_ends_nothing(signed_in: Journey, provider: Provider, lie: Wrong) -> None:
    provider.wrong = {lie}
    assert tell(signed_in, provider.logout_token()).status_code == 400
    assert signed_in.is_in


def test_an_id_token_ends_nothing(signed_in: Journey, provider: Provider) -> None:
    hint = parse_qs(urlsplit(signed_in.other().leave()).query)
    assert hint
    for token in ("", "x", "a.b.c", "…"):
        assert tell(signed_in, token).status_code == 400
    assert signed_in.is_in


def test_a_logout_token_works_once(signed_in: Journey, provider: Provider) -> None:
    token = provider.logout_token()
    assert tell(signed_in, token).status_code == 200
    again = signed_in.other()
    again.sign_in()
    assert tell(signed_in, token).status_code == 400
    assert again.is_in


def test_one_tenants_logout_ends_nothing_of_another(
    world: World, signed_in: Journey, provider: Provider, sso: Switch
) -> None:
    from tests.db.sso.journey import configure

    configure(world.theirs, provider, by=world.their_owner)
    assert tell(signed_in, provider.logout_token(), "theirs").status_code == 200
    assert signed_in.is_in
    assert tell(signed_in, provider.logout_token(), "nobody").status_code == 400
