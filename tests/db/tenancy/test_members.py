"""Who belongs, and as what: by the API, with the exact answer and the effect."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Plan
from billing.services import subscriptions
from tenants.actor import SYSTEM
from tenants.models import ApiKey, AuditEntry, Membership, SignIn, User
from tenants.roles import ALLOWED, Role
from tenants.scope import platform_scope
from tests import build
from tests.conftest import World
from tests.db.restkit.test_races import at_once


def place(world: World, person: User) -> Membership:
    with platform_scope():
        return Membership.objects.get(tenant=world.ours, user=person)


@pytest.mark.django_db
def test_g2_the_list_shows_each_member_and_can_be_filtered(world: World) -> None:
    build.member(world.ours, Role.ADMIN, email="ada@ours.test", first_name="Ada")
    client = build.api(world.viewer, world.ours)
    rows = client.get("/api/users").json()["items"]
    assert {row["email"]: row["role"] for row in rows} == {
        "owner@ours.test": "owner", "viewer@ours.test": "viewer", "ada@ours.test": "admin",
    }  # fmt: skip
    assert [row["first_name"] for row in client.get("/api/users?search=ada").json()["items"]] == ["Ada"]
    assert client.get("/api/users?role=viewer&status=active").json()["total_count"] == 1
    assert client.get("/api/users?status=suspended").json()["total_count"] == 0


@pytest.mark.django_db
@pytest.mark.parametrize("giver", [Role.OWNER, Role.ADMIN])
@pytest.mark.parametrize("given", Role)
def test_f10_nobody_gives_a_right_that_he_lacks(world: World, giver: Role, given: Role) -> None:
    person = build.member(world.ours, giver)
    target = place(world, build.member(world.ours, Role.VIEWER))
    answer = build.api(person, world.ours).patch(f"/api/users/{target.pk}", {"role": given.value})
    may = ALLOWED[given] <= ALLOWED[giver]
    assert answer.status_code == (200 if may else 403), answer.content
    target.refresh_from_db()
    assert target.role == (given if may else Role.VIEWER)
    invited = build.api(person, world.ours).post("/api/invitations", {"email": "n@new.test", "role": given.value})
    assert invited.status_code == (201 if may else 403), invited.content


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"role": "viewer"}, {"status": "suspended"}, None])
def test_f10_an_admin_touches_no_owner(world: World, change: dict[str, str] | None) -> None:
    build.member(world.ours, Role.OWNER)  # it is not about the last one
    admin = build.api(build.member(world.ours, Role.ADMIN), world.ours)
    path = f"/api/users/{place(world, world.owner).pk}"
    answer = admin.delete(path) if change is None else admin.patch(path, change)
    assert (answer.status_code, answer.json()["code"]) == (403, "above_you")
    assert place(world, world.owner).role == Role.OWNER


@pytest.mark.django_db
def test_f10_nobody_raises_himself(world: World) -> None:
    for role in (Role.ADMIN, Role.OPERATOR, Role.VIEWER, Role.BILLING):
        person = build.member(world.ours, role)
        mine = place(world, person)
        answer = build.api(person, world.ours).patch(f"/api/users/{mine.pk}", {"role": "owner"})
        assert answer.status_code == 403, answer.content
        assert place(world, person).role == role


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"role": "admin"}, {"status": "suspended"}, "remove", "leave"])
def test_f10_the_last_owner_stays(world: World, change: Any) -> None:
    build.member(world.ours, Role.ADMIN)
    client, path = build.api(world.owner, world.ours), f"/api/users/{place(world, world.owner).pk}"
    match change:
        case "remove":
            answer = client.delete(path)
        case "leave":
            answer = client.post("/api/users/leave")
        case _:
            answer = client.patch(path, change)
    assert answer.status_code == 409, answer.content
    assert place(world, world.owner).role == Role.OWNER


def test_f10_a_key_does_not_leave_for_its_maker(world: World) -> None:
    """It may only look, and would take its maker's place and all his keys."""
    _, whole = build.key(world.ours, world.viewer, Role.VIEWER)
    answer = build.Api(f"Bearer {whole}").post("/api/users/leave")
    assert (answer.status_code, answer.json()["code"]) == (403, "people_only")
    assert place(world, world.viewer).role == Role.VIEWER


def test_f10_two_owners_who_leave_at_once_leave_one(committed: World) -> None:
    second = build.member(committed.ours, Role.OWNER)
    clients = [build.api(person, committed.ours) for person in (committed.owner, second)]
    try:
        answers = at_once(lambda: clients.pop().post("/api/users/leave").status_code, times=2)
        assert sorted(answers) == [204, 409]
        with platform_scope():
            assert Membership.objects.filter(tenant=committed.ours, role=Role.OWNER).count() == 1
    finally:
        with platform_scope():
            Membership.objects.update_or_create(
                tenant=committed.ours, user=committed.owner,
                defaults={"role": Role.OWNER, "created_at": timezone.now()},
            )  # fmt: skip


@pytest.mark.django_db
def test_g2_a_removed_member_is_out_with_all_that_was_theirs_here(world: World) -> None:
    person = build.member(world.ours, Role.ADMIN)
    build.join(person, world.theirs, Role.VIEWER)
    client, elsewhere = build.api(person, world.ours), build.api(person, world.theirs)
    key, whole = build.key(world.ours, person, Role.VIEWER)
    _, other_whole = build.key(world.theirs, person, Role.VIEWER)
    assert client.get("/api/pools").status_code == 200
    removed = build.api(world.owner, world.ours).delete(f"/api/users/{place(world, person).pk}")
    assert removed.status_code == 204
    assert client.get("/api/pools").status_code == 401
    assert build.Api(f"Bearer {whole}").get("/api/pools").status_code == 401
    assert elsewhere.get("/api/pools").status_code == 200
    assert build.Api(f"Bearer {other_whole}").get("/api/pools").status_code == 200
    with platform_scope():
        assert ApiKey.objects.get(pk=key.pk).revoked_at is not None
        ended = SignIn.objects.get(user=person, tenant=world.ours)
        assert (ended.end_reason, ended.ended_at is not None) == ("removed", True)
        entry = AuditEntry.objects.filter(tenant_id=world.ours.pk, act="member.remove").latest("id")
    assert (entry.name, entry.before, entry.actor) == (person.email, {"role": "admin"}, world.owner.email)


@pytest.mark.django_db
def test_g2_a_suspended_member_is_out_until_resumed(world: World) -> None:
    person = build.member(world.ours, Role.OPERATOR)
    _, whole = build.key(world.ours, person, Role.VIEWER)
    owner, path = build.api(world.owner, world.ours), f"/api/users/{place(world, person).pk}"
    token = build.api(person, world.ours)
    browser = build.api(person)
    assert owner.patch(path, {"status": "suspended"}).json()["status"] == "suspended"
    assert token.get("/api/pools").status_code == 401
    assert browser.get(f"/api/tenants/{world.ours.slug}/pools").status_code == 404
    assert build.Api(f"Bearer {whole}").get("/api/pools").status_code == 404
    assert owner.patch(path, {"status": "active"}).json()["status"] == "active"
    assert browser.get(f"/api/tenants/{world.ours.slug}/pools").status_code == 200
    assert build.Api(f"Bearer {whole}").get("/api/pools").status_code == 200


@pytest.mark.django_db
def test_g2_a_role_that_changes_counts_from_the_next_request(world: World) -> None:
    person = build.member(world.ours, Role.OPERATOR)
    client, path = build.api(person, world.ours), f"/api/users/{place(world, person).pk}"
    assert client.post("/api/pools", {"name": "one"}).status_code == 201
    read = build.api(world.owner, world.ours).get(path)
    answer = build.api(world.owner, world.ours).put(path, {**read.json(), "role": "viewer"})
    assert (answer.status_code, answer.json()["role"]) == (200, "viewer")
    assert client.post("/api/pools", {"name": "two"}).status_code == 403
    stale = build.api(world.owner, world.ours).patch(path, {"role": "admin"}, **{"If-Match": read.headers["ETag"]})
    assert stale.status_code == 412


@pytest.mark.django_db
def test_g2_a_new_owner_is_made_by_one_who_has_just_shown_who_he_is(world: World) -> None:
    path = f"/api/users/{place(world, world.viewer).pk}"
    late = build.Api(f"Bearer {build.token(world.owner, world.ours)}")
    with platform_scope():
        SignIn.objects.filter(user=world.owner).update(proven_at=timezone.now() - timedelta(hours=1))
    answer = late.patch(path, {"role": "owner"})
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
    assert build.api(world.owner, world.ours).patch(path, {"role": "owner"}).status_code == 200


@pytest.mark.django_db
def test_g2_a_full_house_answers_402_with_limit_used_and_where_to_get_more(world: World) -> None:
    subscriptions.change(world.ours, plan="free", by=SYSTEM, now=timezone.now())
    answer = build.api(world.owner, world.ours).post("/api/invitations", {"email": "third@new.test"})
    body = answer.json()
    assert (answer.status_code, body["code"], body["limit"], body["used"]) == (402, "limit_reached", 2, 2)
    assert body["upgrade_url"].endswith("/pricing")


def limited_to(count: int) -> None:
    with platform_scope():
        Plan.objects.filter(pk="basic").update(members=count, routes=count)


@pytest.fixture
def ten() -> Any:
    """Basic includes ten of each while the test runs."""
    with platform_scope():
        before = Plan.objects.filter(pk="basic").values("members", "routes").get()
    limited_to(10)
    yield
    with platform_scope():
        Plan.objects.filter(pk="basic").update(**before)


def test_g2_fifty_invitations_at_once_into_ten_places_are_ten(committed: World, ten: None) -> None:
    tenant = build.tenant("Fifty", plan="basic")
    with platform_scope():
        owner = User.objects.get(memberships__tenant=tenant)
    client, names = build.api(owner, tenant), [f"guest{number}@fifty.test" for number in range(50)]
    answers = at_once(
        lambda: [client.post("/api/invitations", {"email": names.pop()}).status_code for _ in range(10)], times=5
    )
    # The owner has one of the ten places.
    assert Counter(code for some in answers for code in some) == {201: 9, 402: 41}


def test_a8_fifty_routes_at_once_into_ten_places_are_ten(committed: World, ten: None) -> None:
    tenant = build.tenant("Fifty routes", plan="basic")
    with platform_scope():
        owner = User.objects.get(memberships__tenant=tenant)
    pool = build.pool(tenant)
    client, hosts = build.api(owner, tenant), [f"r{number}.fifty.test" for number in range(50)]
    answers = at_once(
        lambda: [client.post("/api/routes", {"host": hosts.pop(), "pool": pool.pk}).status_code for _ in range(10)],
        times=5,
    )
    assert Counter(code for some in answers for code in some) == {201: 10, 402: 40}
    assert client.get("/api/routes").json()["total_count"] == 10
