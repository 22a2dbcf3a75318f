"""What a tenant's provider may not do, whatever it says: give more than the rules, or reach beyond the tenant."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.models import Membership, SignIn, SsoIdentity, SsoProvider, Tenant, User
from tenants.restkit.access import SsoRequired
from tenants.roles import Role
from tenants.services.sso.sso_config import OwnersSaveThis
from tests import build
from tests.conftest import World
from tests.db.sso.journey import Journey, code_of, configure
from tests.live.oidc.provider import Provider

pytestmark = pytest.mark.django_db
Switch = Callable[..., SsoProvider]


def test_a_group_called_owner_or_admin_gives_nothing(
    world: World, sso: Switch, journey: Journey, provider: Provider
) -> None:
    provider.people["ana"]["groups"] = ["owner", "admin", "Owners", "administrators", "staff"]
    sso(create_members=True)
    journey.sign_in()
    assert Membership.objects.get(user__email="ana@acme.test").role == Role.VIEWER


def test_an_admin_makes_nobody_an_owner_by_the_map(world: World, provider: Provider, journey: Journey) -> None:
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


def test_b9_it_sees_and_ends_no_sign_in_of_another_tenant(world: World, sso: Switch, journey: Journey) -> None:
    """Whoever runs the provider can come in as any member: where else that person is, is none of his business."""
    ana = build.member(world.ours, Role.OPERATOR, email="ana@acme.test", password=build.PASSWORD)
    build.join(ana, world.theirs, Role.OWNER)
    Tenant.objects.filter(pk=world.theirs.pk).update(second_factor_from=timezone.now() + timedelta(days=9))
    asked = {"email": ana.email, "password": build.PASSWORD}
    tokens = {slug: build.api().post("/api/auth/login", {**asked, "tenant": slug}) for slug in ("ours", "theirs")}
    elsewhere = build.Api(f"Bearer {tokens['theirs'].json()['token']}")
    hidden = SignIn.objects.get(user=ana, tenant=world.theirs)
    sso(link_by_email=True)
    assert journey.sign_in().status_code == 302
    get, send = journey.client.get, journey.client.post
    assert {row["tenant"] for row in get("/api/profile/sessions").json()["items"]} == {"ours"}
    assert get(f"/api/profile/sessions/{hidden.pk}").status_code == 404
    assert journey.client.delete(f"/api/profile/sessions/{hidden.pk}").status_code == 404
    assert hidden.pk not in get("/sessions").content.decode()
    assert send(f"/sessions/{hidden.pk}/end").status_code == 404
    assert world.theirs.name not in get("/security").content.decode()
    assert send("/sessions/others/end").status_code == 302
    assert elsewhere.get("/api/pools").status_code == 200
    assert build.Api(f"Bearer {tokens['ours'].json()['token']}").get("/api/pools").status_code == 401


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


@pytest.mark.parametrize("status", ["suspended", "deleted"])
def test_nobody_is_made_a_member_of_a_tenant_that_is_closed(
    world: World, sso: Switch, journey: Journey, provider: Provider, status: str
) -> None:
    sso(create_members=True)
    known = journey.other()
    known.sign_in()
    Tenant.objects.filter(pk=world.ours.pk).update(status=status)
    provider.person = "rui"
    assert code_of(journey.sign_in()) == "sso_not_known"
    assert not User.objects.filter(email="rui@acme.test").exists()
    provider.person = "ana"
    assert known.sign_in().status_code == 302, "who is one already comes in as by password"


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
