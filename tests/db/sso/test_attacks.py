"""What somebody would try at the door. Each is refused, opens nothing, and says nothing to who tries."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tenants.models import AuditEntry, SignIn, SsoIdentity, SsoProvider, User
from tests.conftest import World
from tests.db.sso.journey import Journey, asked, code_of, configure
from tests.live.oidc.provider import Provider, Wrong

pytestmark = pytest.mark.django_db
Switch = Callable[..., SsoProvider]

LIES = [
    Wrong.ISSUER, Wrong.AUDIENCE, Wrong.PARTY, Wrong.EXPIRED, Wrong.FUTURE, Wrong.NONCE, Wrong.NO_NONCE,
    Wrong.UNSIGNED, Wrong.SYMMETRIC, Wrong.STRANGE_KEY, Wrong.HASH, Wrong.SUBJECT, Wrong.USERINFO,
    Wrong.RESPONSE_ISSUER,
]  # fmt: skip


def nobody_came_in(journey: Journey) -> None:
    assert not journey.is_in
    assert journey.client.get("/t/ours/").status_code == 302
    assert not User.objects.filter(email="ana@acme.test").exists()


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_lies_opens_nothing(
    world: World, sso: Switch, journey: Journey, provider: Provider, lie: Wrong
) -> None:
    sso(create_members=True)
    provider.wrong = {lie}
    answer = journey.sign_in()
    assert code_of(answer) == "sso_answer"
    assert answer.status_code == 400
    assert b"evil.example" not in answer.content, "nothing of what the provider said"
    nobody_came_in(journey)
    written = AuditEntry.objects.filter(tenant_id=world.ours.pk, act="sign_in.sso").latest("id")
    assert written.outcome == "refused"
    assert written.detail, "the tenant's own people can read why"


def test_a_callback_works_once(sso: Switch, journey: Journey) -> None:
    sso(create_members=True)
    path = journey.there(journey.leave())
    before = dict(journey.client.cookies)
    assert journey.client.get(path).status_code == 302
    journey.client.cookies.update(before)  # with the very cookies of the first time
    again = journey.client.get(path)
    assert code_of(again) == "attempt_gone"
    assert SignIn.objects.count() == 1


def test_a_state_is_used_up_by_a_callback_that_failed_too(sso: Switch, journey: Journey, provider: Provider) -> None:
    sso(create_members=True)
    url = journey.leave()
    path = journey.there(url)
    before = dict(journey.client.cookies)
    provider.wrong = {Wrong.NONCE}
    assert code_of(journey.client.get(path)) == "sso_answer"
    provider.wrong = set()
    journey.client.cookies.update(before)
    assert code_of(journey.client.get(journey.there(url))) == "attempt_gone"


def test_the_callback_of_another_browser_is_refused_and_not_used_up(sso: Switch, journey: Journey) -> None:
    """Login CSRF: an attacker's own code and state, opened in a victim's browser."""
    sso(create_members=True)
    path = journey.there(journey.leave())
    victim = journey.other()
    victim.leave()  # has an attempt of its own, and so a cookie: of another name
    assert code_of(victim.client.get(path)) == "attempt_gone"
    assert not victim.is_in
    assert journey.client.get(path).status_code == 302, "still good where it was begun"


def test_another_attempts_cookie_under_this_ones_name_does_not_fit(sso: Switch, journey: Journey) -> None:
    sso(create_members=True)
    path = journey.there(journey.leave())
    victim = journey.other()
    victim.leave()
    (own,) = [morsel.value for name, morsel in victim.client.cookies.items() if name.startswith("sso-")]
    (name,) = [name for name in journey.client.cookies if name.startswith("sso-")]
    victim.client.cookies[name] = own
    assert code_of(victim.client.get(path)) == "attempt_gone"


def test_an_attempt_runs_out(sso: Switch, journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenants.services.sso import sso_attempts

    sso(create_members=True)
    path = journey.there(journey.leave())
    monkeypatch.setattr(sso_attempts, "SECONDS", -1)
    assert code_of(journey.client.get(path)) == "attempt_gone"


def test_somebody_elses_code_does_not_fit_this_attempt(sso: Switch, journey: Journey, provider: Provider) -> None:
    """Code injection: the provider holds a code to its own verifier (PKCE), and the nonce to its own attempt."""
    sso(create_members=True)
    stolen = asked(journey.other().there(journey.other().leave()))["code"]
    mine = asked(journey.there(journey.leave()))
    answer = journey.client.get("/auth/oidc/callback?" + urlencode({**mine, "code": stolen}))
    assert code_of(answer) == "sso_answer"
    nobody_came_in(journey)


def test_even_without_pkce_the_nonce_refuses_an_injected_code(
    sso: Switch, journey: Journey, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sso(create_members=True)
    victim, url = journey.other(), journey.leave()
    stolen = asked(victim.there(victim.leave()))["code"]
    code = provider.codes[stolen]
    code.challenge = asked(url)["code_challenge"]  # a provider that does not look
    mine = asked(journey.there(url))
    answer = journey.client.get("/auth/oidc/callback?" + urlencode({**mine, "code": stolen}))
    assert code_of(answer) == "sso_answer"
    nobody_came_in(journey)


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "http://testserver@evil.example/",
        "http://testserver.evil.example/",
    ],
)
def test_next_leads_only_to_pages_of_ours(sso: Switch, journey: Journey, wanted: str) -> None:
    sso(create_members=True)
    answer = journey.sign_in("?" + urlencode({"next": wanted}))
    assert answer.headers["Location"] == "/t/ours/"


def test_the_host_of_a_request_is_not_where_the_provider_sends_people(sso: Switch, journey: Journey) -> None:
    sso()
    answer = journey.client.get("/auth/oidc/login/ours?next=/x", headers={"host": "evil.veloflux.test"})
    assert answer.headers["Location"] == "http://testserver/auth/oidc/login/ours?next=/x"


def test_an_error_of_the_provider_is_not_repeated_and_signs_nobody_out(
    world: World, sso: Switch, journey: Journey
) -> None:
    sso()
    journey.client.force_login(world.owner)
    url = journey.leave()
    sent = {"error": "access_denied", "error_description": "<b>Call 555</b>", "state": asked(url)["state"]}
    answer = journey.client.get("/auth/oidc/callback?" + urlencode({**sent, "iss": journey.provider.issuer}))
    assert code_of(answer) == "sso_refused_there"
    assert b"555" not in answer.content
    assert code_of(journey.client.get("/auth/oidc/callback?error=x&state=y")) == "attempt_gone"
    assert code_of(journey.client.get("/auth/oidc/callback")) == "attempt_gone"
    assert journey.client.get("/t/ours/").status_code == 200, "still signed in"


def test_an_answer_must_name_its_issuer_where_the_provider_says_it_does(sso: Switch, journey: Journey) -> None:
    """Mix-up: another provider's code, carried here under this one's state."""
    sso(create_members=True)
    back = asked(journey.there(journey.leave()))
    del back["iss"]
    assert code_of(journey.client.get("/auth/oidc/callback?" + urlencode(back))) == "sso_answer"


def test_one_tenants_attempt_does_not_end_in_another(world: World, sso: Switch, journey: Journey) -> None:
    """The state says whose sign-in it is; nothing in the callback's address does."""
    second = Provider(people={"ana": {"sub": "s-ana", "email": "ana@acme.test", "email_verified": True}})
    try:
        sso(create_members=True)
        configure(world.theirs, second, by=world.their_owner, create_members=True)
        theirs = Journey(second, world.theirs.slug, journey.client)
        back = asked(theirs.there(theirs.leave()))
        ours = asked(journey.leave())
        # Their provider's code under our state, without and with the honest issuer.
        for issuer in (second.issuer, journey.provider.issuer):
            mixed = {"code": back["code"], "state": ours["state"], "iss": issuer}
            answer = journey.client.get("/auth/oidc/callback?" + urlencode(mixed))
            assert code_of(answer) in ("sso_answer", "attempt_gone")
        assert not SsoIdentity.objects.exists()
    finally:
        second.stop()


def test_another_sites_link_signs_nobody_over(world: World, sso: Switch, journey: Journey) -> None:
    sso(create_members=True)
    journey.client.force_login(world.owner)
    answer = journey.client.get("/auth/oidc/login/ours", headers={"sec-fetch-site": "cross-site"})
    assert answer.headers["Location"].startswith("/login/ours")


def test_the_door_tells_no_tenants(world: World, sso: Switch, journey: Journey) -> None:
    there, nowhere = (journey.client.get(f"/login/{slug}") for slug in ("theirs", "nobody"))
    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert there.content.replace(b"theirs", b"nobody").count(b"nobody") == nowhere.content.count(b"nobody")
    assert b"Theirs" not in there.content
    assert journey.client.get("/auth/oidc/login/theirs").status_code == 404


def test_secrets_are_nowhere(world: World, sso: Switch, journey: Journey) -> None:
    from tests.live.oidc.provider import SECRET

    provider = sso(create_members=True)
    journey.sign_in()
    assert SECRET not in provider.client_secret
    for entry in AuditEntry.objects.all():
        assert SECRET not in str((entry.before, entry.after, entry.detail))
        assert provider.client_secret[-8:] not in str((entry.before, entry.after))


def test_a_provider_of_before_lets_nobody_stay(world: World, sso: Switch, journey: Journey) -> None:
    sso(create_members=True)
    journey.sign_in()
    assert journey.is_in
    sso(enabled=False)
    assert not journey.is_in
    assert journey.client.get("/t/ours/").status_code == 302


def test_the_library_settings_are_never_read_from_elsewhere(settings: Any) -> None:
    assert not [name for name in dir(settings) if name.startswith("OIDC_")]
