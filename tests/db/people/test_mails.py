"""What is proven by a mail: an address, and who may set a new password."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from tenants.models import AuditEntry, OneTimeToken, SignIn, User
from tests import build
from tests.conftest import World
from tests.db.people.conftest import Post, bearer, login

pytestmark = pytest.mark.django_db
NEW = {"email": "new@person.test", "password": build.PASSWORD, "tenant_name": "New Place"}


@pytest.fixture(autouse=True)
def production(settings: Any) -> None:
    settings.DEMO, settings.VERIFY_EMAIL = False, True


def without_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("request_id", "instance", "retry_after")}


def names(answer: Any) -> list[str]:
    return sorted(answer.headers)


def basic_of(email: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{email}:{password}".encode()).decode()


def age(minutes: int) -> None:
    OneTimeToken.objects.update(expires_at=timezone.now() - timedelta(minutes=minutes))


def test_f2_one_who_registers_is_let_in_when_the_address_is_proven(world: World, post: Post) -> None:
    made = build.api().post("/api/auth/register", NEW)
    assert made.status_code == 202, made.content
    assert "token" not in made.json()
    user = User.objects.get(email="new@person.test")
    assert login(user).json()["code"] == "wrong_credentials", "nothing that tells a new address from a taken one"
    link = {"token": post.secret("verify")}
    assert build.api().post("/api/auth/verify-email", link).status_code == 200
    assert build.api().post("/api/auth/verify-email", link).json()["code"] == "invalid_link"
    inside = bearer(login(user))
    assert [row["slug"] for row in inside.get("/api/profile/tenants").json()["items"]] == ["new-place"]
    assert inside.get("/api/tenants/ours/pools").status_code == 404
    assert post.to(user.email)[-1] == "Your VeloFlux account is ready"


def test_f2_signing_in_with_ones_own_password_tells_nothing_of_a_taken_address(
    world: World, post: Post, person: User
) -> None:
    """Register an address with a password of one's own, then sign in with it, until the door is locked."""
    mine = {"password": "a password of the asker"}
    seen = []
    for email in ("unknown@person.test", person.email):
        build.api().post("/api/auth/register", NEW | mine | {"email": email})
        mails = len(post.sent)
        with CaptureQueriesContext(connection) as queries:
            tries = [build.api().post("/api/auth/login", mine | {"email": email}) for _ in range(7)]
        kinds = [query["sql"].split('"')[1] for query in queries if query["sql"].startswith(("INSERT", "UPDATE"))]
        form = Client().post("/login", mine | {"email": email})
        basic = build.Api(basic_of(email, mine["password"])).get("/api/profile")
        answers = [(a.status_code, without_ids(a.json()), names(a)) for a in (*tries, basic)]
        page = (form.status_code, [str(error) for error in form.context["form"].non_field_errors()], names(form))
        seen.append((answers, page, kinds, len(post.sent) - mails))
    assert seen[0] == seen[1]
    assert [answer[0] for answer in seen[0][0]] == [401] * 5 + [429] * 3
    assert "not confirmed" in seen[0][0][0][1]["detail"]


def test_f2_registering_a_second_time_with_another_password_tells_nothing_either(world: World, post: Post) -> None:
    for password in ("the first password", "the second password"):
        build.api().post("/api/auth/register", NEW | {"password": password})
    answers = [
        build.api().post("/api/auth/login", {"email": email, "password": password})
        for email in (NEW["email"], "nobody@person.test")
        for password in ("the first password", "the second password")
    ]
    assert len({str((answer.status_code, without_ids(answer.json()), names(answer))) for answer in answers}) == 1


def test_f2_who_lost_the_link_gets_in_by_forgot(world: World, post: Post, asked: list[str]) -> None:
    build.api().post("/api/auth/register", NEW)
    build.api().post("/api/auth/password/forgot", {"email": NEW["email"]})
    given = {"token": post.secret("reset"), "password": "a new long sentence"}
    assert build.api().post("/api/auth/password/reset", given).status_code == 204
    inside = build.api().post("/api/auth/login", {"email": NEW["email"], "password": given["password"]})
    assert inside.status_code == 200, inside.content


def test_f2_a_taken_address_is_answered_alike_and_told_by_mail(world: World, post: Post, person: User) -> None:
    fresh = build.api().post("/api/auth/register", NEW)
    before = User.objects.count()
    taken = build.api().post("/api/auth/register", NEW | {"email": person.email})
    assert (taken.status_code, taken.json()) == (fresh.status_code, fresh.json())
    assert User.objects.count() == before
    assert post.to(person.email) == ["You have a VeloFlux account"]


@pytest.mark.parametrize("change", [{"password": "short"}, {"plan": "gold"}, {"tenant_name": ""}])
def test_f2_what_is_refused_is_refused_alike(world: World, post: Post, person: User, change: dict[str, str]) -> None:
    answers = [
        build.api().post("/api/auth/register", NEW | change | {"email": email})
        for email in ("unknown@person.test", person.email)
    ]
    assert answers[0].status_code == answers[1].status_code == 422
    assert answers[0].json()["errors"] == answers[1].json()["errors"]
    assert post.sent == []


def test_f2_a_password_like_the_address_is_refused_alike(world: World, post: Post, person: User) -> None:
    for email in ("someone-else@person.test", person.email):
        answer = build.api().post("/api/auth/register", NEW | {"email": email, "password": email})
        assert answer.status_code == 422, answer.content


def test_f2_registering_does_the_same_work_for_both(world: World, post: Post, person: User) -> None:
    """Time is not asserted: what takes it is. One hash, one tenant with its schema, one mail."""
    counts = []
    for email in ("unknown@person.test", person.email):
        build.api().post("/api/auth/register", NEW | {"email": email, "tenant_name": "Same"})
        with CaptureQueriesContext(connection) as queries:
            build.api().post("/api/auth/register", NEW | {"email": f"x{email}" if email != person.email else email})
        counts.append(sum("CREATE SCHEMA" in query["sql"] for query in queries))
    assert counts == [1, 1]


def test_f2_sign_up_can_be_switched_off(world: World, post: Post, person: User, settings: Any) -> None:
    settings.SIGN_UP_OPEN = False
    for email in (NEW["email"], person.email):
        answer = build.api().post("/api/auth/register", NEW | {"email": email})
        assert (answer.status_code, answer.json()["code"]) == (403, "sign_up_closed")
    assert not User.objects.filter(email=NEW["email"]).exists()


def test_f6_a_reset_link_works_once_and_ends_every_sign_in(
    world: World, post: Post, asked: list[str], person: User
) -> None:
    User.objects.filter(pk=person.pk).update(email_verified_at=timezone.now())
    inside = bearer(login(person))
    answers = [
        build.api().post("/api/auth/password/forgot", {"email": email}) for email in (person.email, "no@one.test")
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert asked == [person.email, "no@one.test"], "a worker is asked for both, so that neither takes longer"
    assert [one["to"] for one in post.sent] == [person.email]
    link = {"token": post.secret("reset")}
    weak = build.api().post("/api/auth/password/reset", link | {"password": "short"})
    assert weak.json()["errors"][0]["pointer"] == "/password"
    assert build.api().post("/api/auth/password/reset", link | {"password": "a new long sentence"}).status_code == 204
    again = build.api().post("/api/auth/password/reset", link | {"password": "another long sentence"})
    assert again.json()["code"] == "invalid_link"
    assert inside.get("/api/profile").status_code == 401
    assert login(person).status_code == 401
    changed = build.api().post("/api/auth/login", {"email": person.email, "password": "a new long sentence"})
    assert changed.status_code == 200
    assert post.to(person.email)[-1] == "Your VeloFlux password was changed"


def test_f6_an_old_link_is_good_no_more(world: World, post: Post, asked: list[str], person: User) -> None:
    build.api().post("/api/auth/password/forgot", {"email": person.email})
    lives = OneTimeToken.objects.get()
    assert lives.expires_at - lives.created_at == timedelta(hours=1)
    assert post.secret("reset") not in str(OneTimeToken.objects.values_list().get()), "a digest is kept"
    age(1)
    late = build.api().post("/api/auth/password/reset", {"token": post.secret("reset"), "password": "long enough yes"})
    assert late.json()["code"] == "invalid_link"


def test_f6_a_link_of_one_kind_opens_nothing_else(world: World, post: Post, asked: list[str], person: User) -> None:
    build.api().post("/api/auth/password/forgot", {"email": person.email})
    answer = build.api().post("/api/auth/verify-email", {"token": post.secret("reset")})
    assert answer.json()["code"] == "invalid_link"


def test_f6_nobodys_mailbox_is_filled(world: World, post: Post, asked: list[str], person: User) -> None:
    for _ in range(9):
        build.api().post("/api/auth/password/forgot", {"email": person.email})
    assert len(post.sent) == 5


def test_f6_mails_speak_the_readers_language(world: World, post: Post, asked: list[str], person: User) -> None:
    User.objects.filter(pk=person.pk).update(language="pt-br")
    with translation.override("en"):
        build.api().post("/api/auth/password/forgot", {"email": person.email})
    assert post.to(person.email) == ["Defina uma nova senha para o VeloFlux"]


def test_f6_a_mails_link_does_not_follow_a_forged_host(
    world: World, post: Post, asked: list[str], person: User
) -> None:
    build.api(host="evil.veloflux.test").post("/api/auth/password/forgot", {"email": person.email})
    assert "evil" not in post.sent[-1]["body"]
    assert "http://localhost:9090/reset/" in post.sent[-1]["body"]


def test_f5_a_new_address_is_proven_there_and_told_to_the_old(world: World, post: Post, person: User) -> None:
    User.objects.filter(pk=person.pk).update(email_verified_at=timezone.now())
    inside, old = bearer(login(person)), person.email
    assert inside.post("/api/profile/email", {"email": "Next@Person.test"}).status_code == 202
    assert inside.get("/api/profile").json()["email"] == old
    assert "Confirm your new address for VeloFlux" in post.to("next@person.test")
    assert post.to(old) == ["Somebody asked to change your VeloFlux address"]
    build.api().post("/api/auth/verify-email", {"token": post.secret("verify")})
    person.refresh_from_db()
    assert person.email == "next@person.test"
    assert post.to(old)[-1] == "Your VeloFlux address was changed"
    assert inside.get("/api/profile").status_code == 401
    entry = AuditEntry.objects.filter(act="email.change").latest("id")
    assert (entry.tenant_id, entry.before, entry.after) == (world.ours.pk, {"email": old}, {"email": person.email})


def test_f5_a_taken_address_is_not_told_to_the_one_who_asks(world: World, post: Post, person: User) -> None:
    User.objects.filter(pk=person.pk).update(email_verified_at=timezone.now())
    inside = bearer(login(person))
    free = inside.post("/api/profile/email", {"email": "free@person.test"})
    taken = inside.post("/api/profile/email", {"email": world.owner.email})
    assert (free.status_code, free.json()) == (taken.status_code, taken.json())
    assert post.to(world.owner.email) == ["You have a VeloFlux account"]


def test_f5_an_address_that_was_taken_meanwhile_moves_nobody(world: World, post: Post, person: User) -> None:
    User.objects.filter(pk=person.pk).update(email_verified_at=timezone.now())
    bearer(login(person)).post("/api/profile/email", {"email": "free@person.test"})
    build.user("free@person.test")
    late = build.api().post("/api/auth/verify-email", {"token": post.secret("verify")})
    assert (late.status_code, late.json()["code"]) == (409, "taken")
    assert SignIn.objects.filter(user=person, ended_at=None).exists()
