"""A place that is offered by mail: sent, taken once, and by nobody else."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import Invitation, Membership, User
from tenants.queries import people
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.services.mails import mail
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db
LINK = re.compile(r"/invite/([\w-]{43})\s")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is handed to the worker, at once: a test's transaction never commits."""
    mails: list[dict[str, Any]] = []
    monkeypatch.setattr(mail, "after_commit", lambda call: call())
    monkeypatch.setattr(mail, "ask", lambda **message: mails.append(message))
    return mails


def invite(world: World, email: str, role: str = "operator", **headers: str) -> Any:
    answer = build.api(world.owner, world.ours).post("/api/invitations", {"email": email, "role": role}, **headers)
    assert answer.status_code == 201, answer.content
    return answer.json()


def token_in(sent: list[dict[str, Any]]) -> str:
    found = LINK.search(sent[-1]["body"])
    assert found, sent[-1]["body"]
    return found[1]


def accept(token: str, person: User | None = None, **more: str) -> Any:
    return build.api(person).post("/api/invitations/accept", {"token": token, **more})


def role_of(world: World, email: str) -> str | None:
    with platform_scope():
        found = Membership.objects.filter(tenant=world.ours, user__email=email).first()
    return found.role if found else None


def test_g2_a_new_person_joins_by_the_link_and_can_sign_in(world: World, sent: list[dict[str, Any]]) -> None:
    made = invite(world, "New@Person.test")
    assert (made["email"], made["status"], made["invited_by"]) == ("new@person.test", "open", "owner@ours.test")
    assert (sent[-1]["to"], world.ours.name in sent[-1]["subject"]) == ("new@person.test", True)
    answer = accept(token_in(sent), password=build.PASSWORD, first_name="New")
    assert (answer.status_code, answer.json()["role"]) == (200, "operator")
    login = build.api().post("/api/auth/login", {"email": "new@person.test", "password": build.PASSWORD})
    assert login.json()["tenant"] == {
        "id": world.ours.pk, "slug": world.ours.slug, "name": world.ours.name, "role": "operator",
    }  # fmt: skip
    with platform_scope():
        person = people.by_email("new@person.test")
    assert person is not None
    assert (person.first_name, person.email_verified_at is not None) == ("New", True)


def test_g2_the_mail_speaks_the_inviters_language(world: World, sent: list[dict[str, Any]]) -> None:
    User.objects.filter(pk=world.owner.pk).update(language="pt-br")
    invite(world, "pt@person.test")
    assert "convida você" in sent[-1]["subject"]
    User.objects.filter(pk=world.owner.pk).update(language="en")
    invite(world, "en@person.test")
    assert "invites you" in sent[-1]["subject"]


def test_g2_an_existing_person_joins_as_themself_and_nobody_else_does(world: World, sent: list[dict[str, Any]]) -> None:
    person = build.user("known@person.test", password=build.PASSWORD)
    invite(world, person.email)
    token = token_in(sent)
    assert accept(token, world.their_owner).json()["code"] == "other_address"
    refused = accept(token, password="a-whole-new-password")
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_first")
    assert role_of(world, person.email) is None
    assert accept(token, person).status_code == 200
    assert role_of(world, person.email) == "operator"
    with platform_scope():
        assert User.objects.get(pk=person.pk).check_password(build.PASSWORD)  # nobody set another one


@pytest.mark.parametrize("end", ["removed", "suspended", "demoted", "narrowed", "disabled"])
def test_g2_an_invitation_gives_no_more_than_its_sender_could_give_now(
    world: World, sent: list[dict[str, Any]], end: str
) -> None:
    """And who sends it again vouches for it instead."""
    sender = build.member(world.ours, Role.ADMIN)
    asked = {"email": "late@person.test", "role": "admin" if end == "narrowed" else "viewer"}
    made = build.api(sender, world.ours).post("/api/invitations", asked)
    assert made.status_code == 201, made.content
    token, place = token_in(sent), Membership.objects.filter(user=sender)
    match end:
        case "removed":
            place.delete()
        case "suspended":
            place.update(suspended_at=timezone.now())
        case "demoted" | "narrowed":
            place.update(role=Role.OPERATOR)
        case "disabled":
            User.objects.filter(pk=sender.pk).update(is_active=False)
    late = accept(token, password=build.PASSWORD)
    assert (late.status_code, late.json()["code"]) == (404, "invalid_invitation")
    assert role_of(world, "late@person.test") is None
    assert Client().get(f"/invite/{token}").status_code == 404
    again = build.api(world.owner, world.ours).post(f"/api/invitations/{made.json()['id']}/resend")
    assert (again.status_code, again.json()["invited_by"]) == (200, "owner@ours.test")
    assert accept(token_in(sent), password=build.PASSWORD).status_code == 200
    assert role_of(world, "late@person.test") == asked["role"]


def test_g2_an_invitation_of_one_who_can_still_give_it_stands(world: World, sent: list[dict[str, Any]]) -> None:
    sender = build.member(world.ours, Role.OWNER)
    build.api(sender, world.ours).post("/api/invitations", {"email": "late@person.test", "role": "admin"})
    Membership.objects.filter(user=sender).update(role=Role.ADMIN)
    assert accept(token_in(sent), password=build.PASSWORD).status_code == 200


def test_g2_a_link_that_is_no_good_says_the_same_whatever_the_reason(world: World, sent: list[dict[str, Any]]) -> None:
    used, revoked, expired, replaced = (f"{name}@person.test" for name in ("used", "revoked", "expired", "replaced"))
    tokens = {}
    ids = {}
    for email in (used, revoked, expired, replaced):
        ids[email] = invite(world, email)["id"]
        tokens[email] = token_in(sent)
    owner = build.api(world.owner, world.ours)
    assert accept(tokens[used], password=build.PASSWORD).status_code == 200
    assert owner.delete(f"/api/invitations/{ids[revoked]}").status_code == 204
    Invitation.objects.filter(pk=ids[expired]).update(expires_at=timezone.now())
    assert owner.post(f"/api/invitations/{ids[replaced]}/resend").status_code == 200
    answers = [accept(token, password=build.PASSWORD) for token in (*tokens.values(), "x" * 43)]
    said = {(answer.status_code, answer.json()["code"], answer.json()["detail"]) for answer in answers}
    assert len(said) == 1
    assert next(iter(said))[:2] == (404, "invalid_invitation")
    assert not any(world.ours.name in answer.content.decode() for answer in answers)
    assert accept(token_in(sent), password=build.PASSWORD).status_code == 200  # the one that was sent again
    assert [role_of(world, email) for email in (used, revoked, expired, replaced)] == [
        "operator", None, None, "operator",
    ]  # fmt: skip


def test_g2_one_address_has_one_open_invitation_and_no_member_gets_one(
    world: World, sent: list[dict[str, Any]]
) -> None:
    first = invite(world, "twice@person.test")
    owner = build.api(world.owner, world.ours)
    again = owner.post("/api/invitations", {"email": "TWICE@person.test"})
    assert (again.status_code, again.json()["code"]) == (409, "invited")
    member = owner.post("/api/invitations", {"email": world.viewer.email})
    assert (member.status_code, member.json()["code"]) == (409, "member")
    Invitation.objects.filter(pk=first["id"]).update(expires_at=timezone.now() - timedelta(days=1))
    assert owner.post("/api/invitations", {"email": "twice@person.test"}).status_code == 201
    listed = {row["status"]: row["email"] for row in owner.get("/api/invitations").json()["items"]}
    assert listed == {"open": "twice@person.test", "revoked": "twice@person.test"}


def test_g2_who_manages_no_members_sees_and_sends_no_invitations(world: World) -> None:
    for role in (Role.OPERATOR, Role.VIEWER, Role.BILLING):
        client = build.api(build.member(world.ours, role), world.ours)
        assert client.get("/api/invitations").status_code == 403
        assert client.post("/api/invitations", {"email": "x@person.test"}).status_code == 403
        assert client.post("/api/users", {"email": "x@person.test"}).status_code == 403


def test_g2_a_key_takes_no_place_for_its_maker(world: World, sent: list[dict[str, Any]]) -> None:
    invite(world, world.their_owner.email)
    _, whole = build.key(world.theirs, world.their_owner, Role.VIEWER)
    answer = build.Api(f"Bearer {whole}").post("/api/invitations/accept", {"token": token_in(sent)})
    assert answer.status_code == 403
    assert role_of(world, world.their_owner.email) is None
