"""Sign in by one's company's own provider, and be what the tenant's rules say. A real provider on a real socket."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.models import AuditEntry, Membership, SignIn, SignInMethod, SsoIdentity, SsoProvider, User
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.visitors import LAST_SSO
from tests import build
from tests.conftest import World
from tests.db.sso.journey import BASE, Journey, asked, code_of
from tests.live.oidc.provider import CLIENT, Provider

pytestmark = pytest.mark.django_db
Switch = Callable[..., SsoProvider]


def role_of(world: World, email: str) -> str:
    return Membership.objects.get(tenant=world.ours, user__email=email).role


def test_what_the_provider_is_asked(sso: Switch, journey: Journey) -> None:
    sso()
    url = journey.leave("?next=/t/ours/pools")
    sent = asked(url)
    assert url.startswith(f"{journey.provider.issuer}/authorize?")
    assert sent["response_type"] == "code"
    assert sent["client_id"] == CLIENT
    assert sent["redirect_uri"] == f"{BASE}/auth/oidc/callback"
    assert sent["code_challenge_method"] == "S256"
    assert "openid" in sent["scope"].split()
    assert len(sent["state"]) >= 32
    assert len(sent["nonce"]) >= 32
    journey.client.get(journey.there(url))
    verifier = journey.provider.asked("/token")[0]["code_verifier"]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert challenge == sent["code_challenge"]


def test_a_member_is_made_just_in_time_with_the_default_role(world: World, sso: Switch, journey: Journey) -> None:
    sso(create_members=True, default_role="operator")
    answer = journey.sign_in("?next=/t/ours/pools")
    assert answer.headers["Location"] == "/t/ours/pools"
    ana = User.objects.get(email="ana@acme.test")
    assert role_of(world, "ana@acme.test") == Role.OPERATOR
    assert not ana.has_usable_password()
    assert ana.email_verified_at is None, "a tenant's provider proves an address to its tenant only"
    assert ana.first_name == "Ana"
    assert journey.client.get("/t/ours/pools").status_code == 200
    sign_in = SignIn.objects.get(user=ana)
    assert (sign_in.method, sign_in.tenant_id, sign_in.sso_subject) == (SignInMethod.SSO, world.ours.pk, "s-ana")
    assert "." not in sign_in.id_token.partition("v1.")[0]
    assert sign_in.id_token.startswith("v1."), "sealed"
    written = AuditEntry.objects.filter(tenant_id=world.ours.pk, act="sign_in.sso").latest("id")
    assert (written.actor, written.outcome) == ("ana@acme.test", "done")


def test_the_second_time_it_is_the_same_person_whatever_the_address(
    world: World, sso: Switch, journey: Journey, provider: Provider
) -> None:
    sso(create_members=True)
    journey.sign_in()
    provider.people["ana"]["email"] = "ana.new@acme.test"
    journey.other().sign_in()
    assert SsoIdentity.objects.filter(tenant=world.ours).count() == 1
    assert not User.objects.filter(email="ana.new@acme.test").exists()
    assert SignIn.objects.filter(user__email="ana@acme.test").count() == 2


def test_without_just_in_time_a_stranger_stays_outside(world: World, sso: Switch, journey: Journey) -> None:
    sso()
    answer = journey.sign_in()
    assert answer.status_code == 403
    assert code_of(answer) == "sso_not_known"
    assert not journey.is_in
    assert not User.objects.filter(email="ana@acme.test").exists()
    written = AuditEntry.objects.filter(tenant_id=world.ours.pk, act="sign_in.sso").latest("id")
    assert (written.outcome, written.detail) == ("refused", "sso_not_known")


def test_a_member_is_linked_by_a_verified_address_where_the_tenant_wants_that(
    world: World, sso: Switch, journey: Journey
) -> None:
    member = build.member(world.ours, Role.OPERATOR, email="ana@acme.test")
    sso()
    assert code_of(journey.sign_in()) == "sso_not_known"
    sso(link_by_email=True)
    assert journey.sign_in().status_code == 302
    assert SsoIdentity.objects.get(tenant=world.ours).user_id == member.pk
    assert role_of(world, "ana@acme.test") == Role.OPERATOR


def test_groups_become_roles_at_each_sign_in(world: World, sso: Switch, journey: Journey, provider: Provider) -> None:
    sso(create_members=True, group_roles={"ops": "operator", "adm": "admin"})
    for groups, role in ((["ops"], "operator"), (["ops", "adm"], "admin"), (["ops"], "operator"), ([], "viewer")):
        provider.people["ana"]["groups"] = groups
        assert journey.sign_in().status_code == 302
        assert role_of(world, "ana@acme.test") == role, groups


def test_the_last_owner_stays_one_whatever_the_map_says(
    world: World, sso: Switch, journey: Journey, provider: Provider
) -> None:
    User.objects.filter(pk=world.owner.pk).update(email="ana@acme.test")
    provider.people["ana"]["groups"] = ["all"]
    sso(link_by_email=True, group_roles={"all": "viewer", "top": "owner"})
    assert journey.sign_in().status_code == 302
    assert role_of(world, "ana@acme.test") == Role.OWNER
    build.member(world.ours, Role.OWNER)
    assert journey.sign_in().status_code == 302
    assert role_of(world, "ana@acme.test") == Role.VIEWER


def test_seats_are_the_plans(world: World, sso: Switch, journey: Journey, settings: Any) -> None:
    settings.TENANT_SEATS = "tests.db.sso.test_flow.two_seats"
    sso(create_members=True)
    answer = journey.sign_in()
    assert answer.status_code == 402
    assert not User.objects.filter(email="ana@acme.test").exists(), "nothing is left of it"


def two_seats(_tenant_id: str) -> int:
    return 2  # the owner's and the viewer's


def test_rotated_keys_are_fetched_once_a_minute(
    sso: Switch, journey: Journey, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sso(create_members=True)
    journey.sign_in()
    fetched = len(provider.asked("/keys"))
    journey.other().sign_in()
    assert len(provider.asked("/keys")) == fetched, "kept"
    provider.rotate()
    assert code_of(journey.other().sign_in()) == "sso_answer", "asked less than a minute ago"
    assert len(provider.asked("/keys")) == fetched
    from django.core.cache import cache

    from tenants.oidc import keys
    from tenants.services.sso import sso_config

    client = sso_config.client_of(SsoProvider.objects.get(), now=timezone.now())
    cache.delete(keys._name(client, "asked"))  # the minute is over
    assert journey.other().sign_in().status_code == 302
    assert len(provider.asked("/keys")) == fetched + 1


def test_tabs_at_once_do_not_know_of_each_other(sso: Switch, journey: Journey) -> None:
    sso(create_members=True)
    left = [journey.leave(f"?next=/t/ours/pools?page={number}") for number in range(8)]
    back = [journey.there(url) for url in reversed(left)]
    for number, path in zip(reversed(range(8)), back, strict=True):
        answer = journey.client.get(path)
        assert answer.headers["Location"] == f"/t/ours/pools?page={number}"


def test_es256_is_as_good(sso: Switch, journey: Journey, provider: Provider) -> None:
    provider.algorithm = "ES256"
    provider.rotate()
    sso(create_members=True)
    assert journey.sign_in().status_code == 302


def test_a_provider_without_userinfo_puts_it_into_the_id_token(
    world: World, sso: Switch, journey: Journey, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.claims_in_id_token = True
    whole = provider.metadata()
    del whole["userinfo_endpoint"]
    monkeypatch.setattr(provider, "metadata", lambda: whole)
    sso(create_members=True)
    assert journey.sign_in().status_code == 302
    assert role_of(world, "ana@acme.test") == Role.VIEWER


def test_a_client_secret_goes_in_the_body_where_the_provider_wants_that(
    sso: Switch, journey: Journey, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {**provider.metadata(), "token_endpoint_auth_methods_supported": ["client_secret_post"]}
    monkeypatch.setattr(provider, "metadata", lambda: whole)
    sso(create_members=True)
    assert journey.sign_in().status_code == 302
    assert provider.asked("/token")[0]["client_secret"]


def test_the_session_lasts_as_long_as_the_tenant_says(sso: Switch, journey: Journey) -> None:
    sso(create_members=True, session_hours=2)
    journey.sign_in()
    sign_in = SignIn.objects.get()
    assert abs(sign_in.expires_at - timezone.now() - timedelta(hours=2)) < timedelta(minutes=1)
    SignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    again = journey.client.get("/t/ours/pools")
    assert again.headers["Location"] == "/auth/oidc/login/ours?silent=1&next=%2Ft%2Fours%2Fpools"
    back = journey.client.get(journey.there(journey.leave("?silent=1&next=/t/ours/pools")))
    assert back.headers["Location"] == "/t/ours/pools"
    assert journey.client.get("/t/ours/pools").status_code == 200


def test_silent_and_not_known_any_more_is_the_door(sso: Switch, journey: Journey, provider: Provider) -> None:
    sso(create_members=True)
    journey.sign_in()
    provider.signed_in = False
    url = journey.leave("?silent=1&next=/t/ours/pools")
    assert asked(url)["prompt"] == "none"
    answer = journey.client.get(journey.there(url))
    assert answer.headers["Location"] == "/login/ours?next=%2Ft%2Fours%2Fpools"
    assert answer.cookies[LAST_SSO].value == ""


def test_to_be_remembered_is_no_proof(sso: Switch, journey: Journey, provider: Provider) -> None:
    """What a dangerous act needs is a sign-in of just now, not a provider's session of this morning."""
    sso(create_members=True, default_role="admin")
    provider.auth_time = timezone.now().timestamp() - 7200
    journey.sign_in()
    assert timezone.now() - SignIn.objects.get().proven_at > timedelta(hours=1)
    assert code_of(journey.sign_in("?fresh=1")) == "sso_answer", "asked for a new proof, and answered an old one"
    provider.auth_time = None
    url = journey.leave("?fresh=1")
    assert (asked(url)["prompt"], asked(url)["max_age"]) == ("login", "0")
    journey.client.get(journey.there(url))
    assert timezone.now() - SignIn.objects.latest("created_at").proven_at < timedelta(minutes=1)


def test_an_unlinked_owner_links_from_inside(world: World, sso: Switch, journey: Journey, provider: Provider) -> None:
    sso()
    assert code_of(journey.sign_in()) == "sso_not_known"
    journey.client.force_login(world.owner)
    left = journey.client.post("/auth/oidc/link/ours")
    assert left.status_code == 200, left.content
    answer = journey.client.get(journey.there(left.context["where"]))
    assert answer.headers["Location"] == "/company"
    assert SsoIdentity.objects.get().user_id == world.owner.pk
    assert journey.other().sign_in().status_code == 302
    journey.client.post("/auth/oidc/unlink/ours")
    assert code_of(journey.other().sign_in()) == "sso_not_known"


def test_nothing_of_the_way_is_left_in_the_shared_tables_of_a_passer_by(sso: Switch, journey: Journey) -> None:
    from django.contrib.sessions.models import Session

    sso()
    with platform_scope():
        before = Session.objects.count()
        journey.leave()
        assert Session.objects.count() == before
