"""The console's pages of members, settings, domains, invitations and the first site, without JavaScript."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from balancer.models import Backend, Pool, Route
from tenants.actor import SYSTEM
from tenants.models import Membership, SignIn, Tenant, User
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tenants.services.mails import mail
from tenants.services.tenancy import tenant_life
from tests import build, nameserver
from tests.conftest import World
from tests.db.tenancy.test_invitations import LINK
from tests.nameserver import NameServer
from tests.pages import text

pytestmark = pytest.mark.django_db


def browser(person: User | None = None) -> Client:
    client = Client()
    if person is not None:
        client.force_login(person)
    return client


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    mails: list[dict[str, Any]] = []
    monkeypatch.setattr(mail, "after_commit", lambda call: call())
    monkeypatch.setattr(mail, "ask", lambda **message: mails.append(message))
    return mails


@pytest.fixture
def names(settings: Any) -> Iterator[NameServer]:
    settings.DEMO = False
    with nameserver.running() as server:
        settings.DNS_RESOLVERS = [server.address]
        yield server


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("page", "who"),
    [
        ("members", set(Role)),
        ("domains", set(Role)),
        ("leave", set(Role)),
        ("settings", {Role.OWNER}),
        ("settings/delete", {Role.OWNER}),
        ("export.json", {Role.OWNER}),
        ("start", {Role.OWNER, Role.ADMIN, Role.OPERATOR}),
    ],
)
def test_f10_each_page_opens_for_its_roles(world: World, role: Role, page: str, who: set[Role]) -> None:
    response = browser(build.member(world.ours, role)).get(f"/t/ours/{page}")
    assert response.status_code == (200 if role in who else 403)
    text(response)


def test_g2_a_person_is_invited_on_the_page_and_joins_by_the_link(world: World, sent: list[dict[str, Any]]) -> None:
    owner = browser(world.owner)
    assert owner.post("/t/ours/members/invite", {"email": "new@person.test", "role": "operator"}).status_code == 302
    page = text(owner.get("/t/ours/members"))
    assert "new@person.test" in page
    assert 'data-testid="meter-members" data-used="3"' in page
    found = LINK.search(sent[-1]["body"])
    assert found
    stranger = browser()
    shown = text(stranger.get(f"/invite/{found[1]}"))
    assert "new@person.test" in shown
    short = stranger.post(f"/invite/{found[1]}", {"password": "short"})
    assert (short.status_code, "at least 10 characters" in text(short)) == (422, True)
    joined = stranger.post(f"/invite/{found[1]}", {"password": build.PASSWORD, "first_name": "New"})
    assert joined.headers["Location"] == "/t/ours/"
    assert stranger.get("/t/ours/members").status_code == 200  # signed in
    again = browser().get(f"/invite/{found[1]}")
    assert (again.status_code, "not valid any more" in text(again)) == (404, True)
    assert world.ours.name not in text(again)


def test_g2_the_invited_is_led_to_sign_in_and_another_is_told_so(world: World, sent: list[dict[str, Any]]) -> None:
    known = build.user("known@person.test", password=build.PASSWORD)
    browser(world.owner).post("/t/ours/members/invite", {"email": known.email, "role": "viewer"})
    found = LINK.search(sent[-1]["body"])
    assert found
    path = f"/invite/{found[1]}"
    assert f"/login?next={path}" in text(browser().get(path))
    other = browser(world.their_owner)
    assert "You are signed in as" in text(other.get(path))
    assert other.post(path).status_code == 422
    assert not Membership.objects.filter(user=world.their_owner, tenant=world.ours).exists()
    assert browser(known).post(path).headers["Location"] == "/t/ours/"
    assert Membership.objects.get(user=known, tenant=world.ours).role == "viewer"


def test_g2_a_member_is_changed_suspended_and_removed_on_the_pages(world: World) -> None:
    person = build.member(world.ours, Role.OPERATOR)
    place = Membership.objects.get(user=person)
    owner, path = browser(world.owner), f"/t/ours/members/{place.pk}"
    assert owner.post(path, {"role": "admin"}).status_code == 302
    for act in ("suspend", "resume"):
        assert owner.post(f"{path}/{act}").status_code == 302
        place.refresh_from_db()
        assert (place.role, place.suspended_at is not None) == ("admin", act == "suspend")
    admin = browser(person)
    mine = Membership.objects.get(user=world.owner)
    assert "An owner can change them" in text(admin.get(f"/t/ours/members/{mine.pk}"))
    admin.post(f"/t/ours/members/{mine.pk}/remove")
    assert Membership.objects.filter(pk=mine.pk).exists()
    assert "owner" not in re.findall(r'<option value="(\w+)"', text(admin.get("/t/ours/members")))
    assert owner.post(f"{path}/remove").status_code == 302
    assert admin.get("/t/ours/").status_code == 404
    last = owner.post("/t/ours/leave")
    assert (last.status_code, "needs an owner" in text(last)) == (409, True)


def test_g1_an_owner_renames_and_deletes_on_the_pages_and_restores(world: World) -> None:
    owner = browser(world.owner)
    bad = owner.post("/t/ours/settings", {"name": "Ours", "slug": "theirs"})
    assert (bad.status_code, "taken" in text(bad)) == (422, True)
    assert owner.post("/t/ours/settings", {"name": "N", "slug": "n-ew"}).headers["Location"] == "/t/n-ew/settings"
    wrong = owner.post("/t/n-ew/settings/delete", {"confirm": "ours"})
    assert (wrong.status_code, Tenant.objects.get(pk=world.ours.pk).status) == (422, "active")
    assert owner.post("/t/n-ew/settings/delete", {"confirm": "n-ew"}).status_code == 302
    page = text(owner.get("/t/n-ew/pools"))
    assert 'data-testid="banner-deleted"' in page
    assert owner.post("/t/n-ew/pools/new", {}).status_code == 403
    assert owner.post("/t/n-ew/settings/restore").status_code == 302
    assert "banner-deleted" not in text(owner.get("/t/n-ew/pools"))


def test_g1_a_deletion_on_the_page_asks_who_it_is(world: World) -> None:
    owner = browser(world.owner)
    with platform_scope():
        SignIn.objects.filter(user=world.owner).update(proven_at=build.NOW)
    led = "/reauthenticate?next=%2Ft%2Fours%2Fsettings%2Fdelete"
    assert owner.get("/t/ours/settings/delete").headers["Location"] == led
    answer = owner.post("/t/ours/settings/delete", {"confirm": "ours"})
    assert (answer.status_code, answer.headers["Location"]) == (302, led)
    asked = owner.post("/t/ours/members/invite", {"email": "x@person.test", "role": "owner"})
    assert asked.headers["Location"] == "/reauthenticate?next=%2Ft%2Fours%2Fmembers", "a page that can be looked at"
    assert Tenant.objects.get(pk=world.ours.pk).status == "active"


def test_g1_every_page_of_a_suspended_tenant_says_why(world: World) -> None:
    tenant_life.suspend(world.ours, reason="The invoice of May", by=SYSTEM, now=timezone.now())
    viewer = browser(world.viewer)
    for page in ("", "pools", "members", "domains"):
        assert "The invoice of May" in text(viewer.get(f"/t/ours/{page}"))
    refused = browser(world.owner).post("/t/ours/pools/new", {"name": "x"})
    assert (refused.status_code, "suspended" in text(refused)) == (403, True)


def test_g4_a_domain_is_added_and_proven_on_the_page(world: World, names: NameServer) -> None:
    owner = browser(world.owner)
    added = owner.post("/t/ours/domains/new", {"domain": "shop.example"})
    page = text(owner.get(added.headers["Location"]))
    record = re.search(r'id="record-value">([^<]+)<', page)
    assert record
    miss = owner.post(f"{added.headers['Location']}/verify")
    assert (miss.status_code, "no TXT record at _veloflux.shop.example" in text(miss)) == (422, True)
    names.records["_veloflux.shop.example"] = [record[1]]
    assert owner.post(f"{added.headers['Location']}/verify").status_code == 302
    assert 'data-state="enabled"' in text(owner.get("/t/ours/domains"))


def test_g4_a_refused_route_leads_to_the_domains(world: World, names: NameServer) -> None:
    pool = build.pool(world.ours)
    form = {"host": "www.shop.example", "path_prefix": "/", "pool": pool.pk}
    refused = browser(world.owner).post("/t/ours/routes/new", form)
    assert refused.status_code == 422
    assert 'href="/t/ours/domains?domain=www.shop.example"' in text(refused)


def test_g20_a_first_site_is_one_form_and_one_change(world: World) -> None:
    operator = browser(build.member(world.ours, Role.OPERATOR))
    assert "/t/ours/start" in text(operator.get("/t/ours/"))
    form = {"host": "Shop.test", "addresses": "10.0.0.5:8080\n\n10.0.0.6:8080 ", "check_path": "/up"}
    assert operator.post("/t/ours/start", form).status_code == 302
    with tenant_scope(world.ours):
        route = Route.objects.select_related("pool").get()
        assert route.pool is not None
        assert (route.host, route.pool.name, route.pool.check_path) == ("shop.test", "shop.test", "/up")
        assert list(Backend.objects.order_by("ip").values_list("ip", flat=True)) == ["10.0.0.5", "10.0.0.6"]
    assert "/t/ours/start" not in text(operator.get("/t/ours/"))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("addresses", "10.0.0.5:8080\n10.0.0.6", "has no port"),
        ("addresses", "10.0.0.5:8080\n10.0.0.5:8080", "has this address already"),
        ("host", "not a host", "not a host name"),
        ("check_path", "up", "starts with /"),
    ],
)
def test_g20_a_first_site_that_is_wrong_anywhere_leaves_nothing(
    world: World, field: str, value: str, said: str
) -> None:
    form = {"host": "shop.test", "addresses": "10.0.0.5:8080", "check_path": "/", field: value}
    refused = browser(world.owner).post("/t/ours/start", form)
    assert (refused.status_code, said in text(refused)) == (422, True)
    with tenant_scope(world.ours):
        assert not Pool.objects.exists()


def test_pages_speak_portuguese(world: World) -> None:
    User.objects.filter(pk=world.owner.pk).update(language="pt-br")
    owner = browser(world.owner)
    for page, word in (("members", "Membros"), ("settings", "<h1>Geral</h1>"), ("domains", "Domínios")):
        assert word in text(owner.get(f"/t/ours/{page}"))
    refused = owner.post("/t/ours/members/invite", {"email": world.viewer.email, "role": "viewer"})
    assert "já é membro" in text(refused)
