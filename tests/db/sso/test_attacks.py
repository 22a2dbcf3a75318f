"""What somebody would try at the door. Each is refused, opens nothing, and says nothing to who tries."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tenants.models import AuditEntry, Membership, SignIn, SsoIdentity, SsoProvider, User
from tenants.restkit.access import SsoRequired
from tenants.roles import Role
from tests import build
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
    from tenants.services import sso_attempts

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


def test_a_group_called_owner_or_admin_gives_nothing(
    world: World, sso: Switch, journey: Journey, provider: Provider
) -> None:
    provider.people["ana"]["groups"] = ["owner", "admin", "Owners", "administrators", "staff"]
    sso(create_members=True)
    journey.sign_in()
    assert Membership.objects.get(user__email="ana@acme.test").role == Role.VIEWER


def test_an_admin_makes_nobody_an_owner_by_the_map(world: World, provider: Provider, journey: Journey) -> None:
    from tenants.services.sso_config import OwnersSaveThis

    admin = build.member(world.ours, Role.ADMIN)
    with pytest.raises(OwnersSaveThis):
        configure(world.ours, provider, by=admin, role=Role.ADMIN, group_roles={"top": "owner"})
    provider.people["ana"]["groups"] = ["top"]
    configure(world.ours, provider, by=world.owner, create_members=True, group_roles={"top": "owner"})
    with pytest.raises(OwnersSaveThis):
        configure(world.ours, provider, by=admin, role=Role.ADMIN, group_roles={"top": "owner"})
    journey.sign_in()
    assert Membership.objects.get(user__email="ana@acme.test").role == Role.OWNER, "an owner said so"


def test_an_admin_does_not_become_an_owner_by_a_provider_of_his_own(
    world: World, provider: Provider, journey: Journey
) -> None:
    """Who may enter a provider could enter one that says "I am the owner"."""
    admin = build.member(world.ours, Role.ADMIN)
    provider.people["ana"]["email"] = world.owner.email
    configure(world.ours, provider, by=admin, role=Role.ADMIN, link_by_email=True, create_members=True)
    assert code_of(journey.sign_in()) == "sso_not_known"
    assert not SsoIdentity.objects.exists()
    configure(world.ours, provider, by=world.owner, link_by_email=True)
    assert journey.sign_in().status_code == 302, "an owner vouches for this provider"


def test_an_unverified_address_equal_to_an_owners_opens_nothing(
    world: World, sso: Switch, journey: Journey, provider: Provider
) -> None:
    sso(create_members=True, link_by_email=True)
    for stated in (False, "true", None):
        provider.people["ana"] |= {"email": world.owner.email, "email_verified": stated}
        assert code_of(journey.sign_in()) == "sso_unverified"
    assert not SsoIdentity.objects.exists()
    assert not journey.is_in


def test_an_address_that_was_given_to_somebody_else_there_is_not_linked_again(
    world: World, sso: Switch, journey: Journey, provider: Provider
) -> None:
    build.member(world.ours, Role.ADMIN, email="ana@acme.test")
    sso(link_by_email=True)
    assert journey.sign_in().status_code == 302
    provider.people["ana"]["sub"] = "s-another-ana"
    assert code_of(journey.other().sign_in()) == "sso_not_known"


def test_a_tenants_provider_does_not_take_an_account_from_elsewhere(
    world: World, sso: Switch, journey: Journey, provider: Provider
) -> None:
    provider.people["ana"]["email"] = world.their_owner.email
    sso(create_members=True, link_by_email=True)
    assert code_of(journey.sign_in()) == "sso_not_known"
    assert not Membership.objects.filter(tenant=world.ours, user=world.their_owner).exists()


def test_a_domain_that_is_not_allowed_stays_outside(
    world: World, sso: Switch, journey: Journey, provider: Provider
) -> None:
    sso(create_members=True, allowed_domains=("acme.example",))
    for address in ("ana@acme.test", "ana@acme.example.evil.test", "ana@sub.acme.example", "acme.example@evil.test"):
        provider.people["ana"]["email"] = address
        assert code_of(journey.sign_in()) == "sso_domain", address
    provider.people["ana"] |= {"email": "ana@acme.example", "email_verified": False}
    assert code_of(journey.sign_in()) == "sso_domain"
    provider.people["ana"] |= {"email": "ana@acme.example", "email_verified": True}
    assert journey.sign_in().status_code == 302


def test_what_it_opens_is_this_tenant_and_no_other_of_the_person(
    world: World, sso: Switch, journey: Journey, provider: Provider
) -> None:
    ana = build.member(world.ours, Role.OPERATOR, email="ana@acme.test")
    build.join(ana, world.theirs, Role.OWNER)
    sso(link_by_email=True)
    assert journey.sign_in().status_code == 302
    get = journey.client.get
    assert get("/t/ours/").status_code == 200
    assert get("/t/theirs/").status_code == 404
    assert get("/api/tenants/theirs/pools").status_code == 404
    assert get("/api/tenants/theirs").status_code == 404
    assert get("/api/tenants/ours/pools").status_code == 200
    assert get("/api/pools").status_code == 200, "its own, without a name"
    assert [row["slug"] for row in get("/api/profile/tenants").json()["items"]] == ["ours"]
    assert [row["slug"] for row in get("/api/tenants").json()["items"]] == ["ours"]
    assert "Theirs" not in get("/t/ours/").content.decode()
    assert get("/").headers["Location"] == "/t/ours/"
    own = journey.other()
    own.client.force_login(ana)
    assert own.client.get("/t/theirs/").status_code == 200, "by their own means both are open"


def test_it_changes_nothing_about_how_the_person_signs_in_elsewhere(
    world: World, sso: Switch, journey: Journey
) -> None:
    sso(create_members=True)
    journey.sign_in()
    ask = journey.client.post
    for path, body in (
        ("/api/profile/password", {"current_password": "x", "password": "a long and winding sentence"}),
        ("/api/profile/email", {"email": "evil@evil.test", "password": "x"}),
        ("/api/profile/mfa", {}),
    ):
        answer = ask(path, body, content_type="application/json")
        assert answer.status_code == 403, (path, answer.content)
        assert answer.json()["code"] == "own_sign_in_needed"
    assert ask("/auth/oidc/link/ours").status_code == 403


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


def test_the_same_subject_at_two_tenants_is_two_people(world: World, sso: Switch, journey: Journey) -> None:
    """A tenant enters whichever issuer it likes: what one knows must not open the other."""
    sso(create_members=True)
    configure(world.theirs, journey.provider, by=world.their_owner)
    journey.sign_in()
    elsewhere = Journey(journey.provider, world.theirs.slug)
    assert code_of(elsewhere.sign_in()) == "sso_not_known"


def test_staff_never_come_in_by_a_tenants_provider(
    world: World, sso: Switch, journey: Journey, provider: Provider
) -> None:
    staff = build.join(build.staff(email="ana@acme.test"), world.ours, Role.ADMIN)
    sso(link_by_email=True)
    assert code_of(journey.sign_in()) == "sso_staff"
    User.objects.filter(pk=staff.pk).update(is_staff=False)
    assert journey.sign_in().status_code == 302
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    assert journey.client.get("/t/ours/").status_code == 302, "and who becomes staff is nobody here from then on"
    assert journey.client.get("/staff/").status_code == 302


@pytest.mark.parametrize("field", ["suspended_at", "is_active"])
def test_who_may_not_use_their_place_does_not_by_sso(world: World, sso: Switch, journey: Journey, field: str) -> None:
    sso(create_members=True)
    journey.sign_in()
    if field == "is_active":
        User.objects.filter(email="ana@acme.test").update(is_active=False)
    else:
        Membership.objects.filter(user__email="ana@acme.test").update(suspended_at=build.NOW)
    assert code_of(journey.other().sign_in()) == "sso_suspended"


def test_required_closes_passwords_to_everybody_but_owners(world: World, sso: Switch, journey: Journey) -> None:
    sso(required=True)
    viewer, owner = journey.other().client, journey.other().client
    viewer.force_login(world.viewer)
    owner.force_login(world.owner)
    assert viewer.get("/t/ours/pools").headers["Location"] == "/login/ours?next=%2Ft%2Fours%2Fpools"
    assert viewer.get("/api/tenants/ours/pools").json()["code"] == SsoRequired(world.ours).code
    refused = build.api(world.viewer, world.ours).get("/api/pools")
    assert (refused.status_code, refused.json()["url"]) == (403, "/login/ours")
    assert owner.get("/t/ours/pools").status_code == 200, "break-glass"
    _, whole = build.key(world.ours, world.owner, Role.VIEWER)
    assert build.Api(f"Bearer {whole}").get("/api/pools").status_code == 200, "machines have keys"
    sso(required=True, link_by_email=True)
    journey.provider.people["ana"]["email"] = world.viewer.email
    assert journey.sign_in().status_code == 302
    assert journey.client.get("/t/ours/pools").status_code == 200


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
