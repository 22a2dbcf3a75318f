"""Where one is signed in: listed, ended, idle, and never fixed by somebody else."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from balancer.live import passes, watch
from balancer.live.passes import Shown
from tenants.models import AuditEntry, SignIn, User
from tenants.services.signing_in import tokens
from tests import build
from tests.conftest import World
from tests.db.people.conftest import Post, bearer, login, with_app

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def console(person: User, **more: str) -> Client:
    """Signed in through the page."""
    browser = Client(headers={"User-Agent": FIREFOX})
    answer = browser.post("/login", {"email": person.email, "password": build.PASSWORD, **more})
    assert answer.status_code == 302, answer.content
    return browser


def socket_of(browser: Client, tenant: str) -> passes.Pass:
    key = browser.cookies["sessionid"].value
    shown = Shown(protocols=(), ticket=None, tenant=tenant, session_key=key, host="testserver")
    return passes.of_socket(shown, now=timezone.now())


def test_b9_sessions_are_listed_with_this_one_marked(world: World, person: User) -> None:
    console(person)
    inside = bearer(login(person))
    body = inside.get("/api/profile/sessions").json()
    assert body["total_count"] == 2
    assert [(row["kind"], row["current"]) for row in body["items"]] == [("token", True), ("console", False)]
    assert body["items"][1]["browser"] == "Firefox, Windows"
    assert body["items"][1]["address"] == "127.0.0.1"


def test_b9_a_revoked_session_is_refused_at_its_next_request(world: World, person: User) -> None:
    browser, inside = console(person), bearer(login(person))
    socket = socket_of(browser, "ours")
    assert browser.get("/t/ours/pools").status_code == 200
    other = next(row for row in inside.get("/api/profile/sessions").json()["items"] if not row["current"])
    assert inside.delete(f"/api/profile/sessions/{other['id']}").status_code == 204
    assert browser.get("/t/ours/pools").headers["Location"].startswith("/login")
    assert browser.get("/api/pools").status_code == 401
    assert watch.withdrawn([socket], now=timezone.now()) == {socket: watch.SIGN_IN}
    assert inside.delete(f"/api/profile/sessions/{other['id']}").status_code == 404
    own = next(row for row in inside.get("/api/profile/sessions").json()["items"] if row["current"])
    inside.delete(f"/api/profile/sessions/{own['id']}")
    assert inside.get("/api/profile").status_code == 401
    assert AuditEntry.objects.filter(act="session.revoke", tenant_id=world.ours.pk).count() == 2


def test_b9_another_persons_session_is_not_there(world: World, person: User) -> None:
    build.token(world.owner)
    theirs = SignIn.objects.get(user=world.owner)
    inside = bearer(login(person))
    assert inside.delete(f"/api/profile/sessions/{theirs.pk}").status_code == 404
    browser = console(person)
    assert browser.post(f"/sessions/{theirs.pk}/end").status_code == 404
    theirs.refresh_from_db()
    assert theirs.ended_at is None


def test_b9_everywhere_else_is_signed_out_from_the_page(world: World, person: User) -> None:
    here, there, token = console(person), console(person), bearer(login(person))
    page = here.get("/sessions").content.decode()
    assert page.count("row-session-") == 3
    assert here.post("/sessions/others/end").status_code == 302
    assert here.get("/sessions").status_code == 200
    assert there.get("/sessions").status_code == 302
    assert token.get("/api/profile").status_code == 401


def test_a_session_that_is_idle_or_too_old_ends(world: World, person: User, settings: Any) -> None:
    for change in ({"last_seen_at": 25}, {"expires_at": 0}):
        browser = console(person)
        socket = socket_of(browser, "ours")
        (name, hours), now = next(iter(change.items())), timezone.now()
        SignIn.objects.filter(user=person, ended_at=None).update(**{name: now - timedelta(hours=hours)})
        assert watch.withdrawn([socket], now=timezone.now()) == {socket: watch.SIGN_IN}
        assert browser.get("/sessions").status_code == 302


def test_when_it_was_seen_is_written_once_a_minute(world: World, person: User) -> None:
    browser = console(person)
    row = SignIn.objects.get(user=person)
    browser.get("/sessions")
    assert SignIn.objects.get(pk=row.pk).last_seen_at == row.last_seen_at
    before = timezone.now() - timedelta(minutes=2)
    SignIn.objects.filter(pk=row.pk).update(last_seen_at=before)
    browser.get("/sessions")
    assert SignIn.objects.get(pk=row.pk).last_seen_at > before


def test_session_person_and_sign_in_are_one_query(world: World, person: User) -> None:
    browser = console(person)
    browser.get("/api/profile")
    with CaptureQueriesContext(connection) as queries:
        assert browser.get("/api/profile").status_code == 200
    asked = [query["sql"] for query in queries if "django_session" in query["sql"] or "tenants_user" in query["sql"]]
    assert len(asked) == 1, asked


def test_a_session_cannot_be_fixed_before_sign_in(world: World, person: User) -> None:
    """Not by a cookie that somebody gave the browser, and not between the two factors."""
    app = with_app(person)
    browser = Client()
    browser.post("/login", {"email": person.email, "password": build.PASSWORD})
    given = browser.cookies["sessionid"].value
    assert browser.get("/sessions").status_code == 302, "the password alone is nobody"
    browser.post("/second-factor", {"otp": app.now()})
    taken = browser.cookies["sessionid"].value
    assert taken != given
    assert browser.get("/sessions").status_code == 200
    thief = Client()
    thief.cookies["sessionid"] = given
    assert thief.get("/sessions").status_code == 302


def test_a_session_without_a_sign_in_is_nobodys(world: World, person: User) -> None:
    browser = console(person)
    SignIn.objects.filter(user=person).delete()
    assert browser.get("/sessions").status_code == 302


def test_signing_in_as_somebody_else_leaves_nothing_of_the_first(world: World, person: User) -> None:
    browser = console(person)
    first = SignIn.objects.get(user=person)
    other = build.member(world.theirs, password=build.PASSWORD)
    browser.post("/login", {"email": other.email, "password": build.PASSWORD})
    first.refresh_from_db()
    assert first.ended_at is not None
    assert browser.get("/api/profile").json()["email"] == other.email


def test_f5_a_new_password_ends_every_other_session(world: World, person: User, post: Post) -> None:
    here, there, token = console(person), console(person), bearer(login(person))
    form = {"current_password": "wrong", "password": "a new long sentence"}
    assert here.post("/security/password", form).status_code == 422
    form["current_password"] = build.PASSWORD
    assert here.post("/security/password", form).status_code == 302
    assert here.get("/sessions").status_code == 200
    assert there.get("/sessions").status_code == 302
    assert token.get("/api/profile").status_code == 401
    assert post.to(person.email) == ["Your VeloFlux password was changed"]


def test_f5_a_new_password_by_the_api_keeps_only_the_one_that_set_it(world: World, person: User, post: Post) -> None:
    inside, browser = bearer(login(person)), console(person)
    new = {"current_password": build.PASSWORD, "password": "a new long sentence"}
    wrong = inside.post("/api/profile/password", new | {"current_password": "no"})
    assert wrong.json()["errors"][0]["pointer"] == "/current_password"
    assert inside.post("/api/profile/password", new).status_code == 204
    assert inside.get("/api/profile").status_code == 200
    assert browser.get("/sessions").status_code == 302


def test_f4_signing_out_ends_the_access_token_too(world: World, person: User) -> None:
    inside = bearer(login(person))
    assert inside.post("/api/auth/logout").status_code == 204
    assert inside.get("/api/profile").status_code == 401


def test_f5_the_profile_has_an_etag(world: World, person: User) -> None:
    inside = bearer(login(person))
    read = inside.get("/api/profile")
    new = read.json() | {"first_name": "Ana"}
    assert inside.put("/api/profile", new, **{"If-Match": '"other"'}).status_code == 412
    assert inside.put("/api/profile", new, **{"If-Match": read.headers["ETag"]}).status_code == 200
    assert AuditEntry.objects.filter(act="profile.update", after={"first_name": "Ana"}).exists()


def test_f3_a_chain_that_is_used_ends_all_the_same(world: World, person: User) -> None:
    answer = login(person).json()
    SignIn.objects.filter(user=person).update(created_at=timezone.now() - timedelta(days=91))
    assert build.api().post("/api/auth/refresh", {"refresh_token": answer["refresh_token"]}).status_code == 401


def test_f7_an_access_token_lives_as_long_as_is_set(world: World, person: User, settings: Any) -> None:
    settings.ACCESS_TOKEN_SECONDS = 12 * 3600
    token = login(person).json()["token"]
    left = tokens.read(token).expires_at - timezone.now()
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)


def test_f7_a_token_of_a_key_that_is_no_more_is_nobodys(world: World, person: User, settings: Any) -> None:
    inside = bearer(login(person))
    old = settings.JWT_KEY
    settings.JWT_KEY, settings.JWT_OLD_KEYS = "another-key-another-key-another-key-another", [old]
    assert inside.get("/api/profile").status_code == 200
    settings.JWT_OLD_KEYS = []
    assert inside.get("/api/profile").json()["code"] == "invalid_token"


def test_f1_who_sprays_is_stopped_and_who_is_known_there_is_not(world: World, person: User, settings: Any) -> None:
    """Per account and per address: yet nobody's guessing locks out the neighbour who works there."""
    from tenants.services.signing_in import lockout

    settings.DEMO = False
    assert login(person).status_code == 200
    for number in range(lockout.ADDRESS_LIMIT):
        lockout.attempt(f"guess{number}@ours.test", "127.0.0.1")
    with pytest.raises(lockout.LockedOut):
        lockout.attempt("another@ours.test", "127.0.0.1")
    assert login(person).status_code == 200


def test_f1_a_sign_in_and_a_refusal_are_in_the_trail(world: World, person: User) -> None:
    login(person)
    entry = AuditEntry.objects.filter(act="sign_in.token").latest("id")
    assert (entry.tenant_id, entry.actor, entry.address) == (world.ours.pk, person.email, "127.0.0.1")
    build.api().post("/api/auth/login", {"email": person.email, "password": "wrong"})
    refused = AuditEntry.objects.filter(act="sign_in.password", outcome="refused").latest("id")
    assert (refused.tenant_id, refused.name, refused.actor_id) == ("", person.email, None)
    assert "wrong" not in str([refused.before, refused.after]), "what was typed is nowhere"
