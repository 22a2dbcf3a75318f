"""Sign up, sign in, refresh, sign out, keys: what a client sees, and what is left afterwards."""

import jwt
import pytest
from django.test import Client
from django.utils import timezone

from tenants import keyring
from tenants.hashers import Argon2
from tenants.models import ApiKey, AuditEntry, Membership, SignIn, Tenant, User
from tenants.queries import people
from tenants.roles import Role
from tenants.services.signing_in import lockout, tokens
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db
NEW = {"email": "New@Person.test", "password": build.PASSWORD, "tenant_name": "New Place", "first_name": "Née"}


@pytest.fixture(autouse=True)
def no_demo(settings_without_demo: None) -> None:
    """The limits of production."""


def test_registering_makes_a_person_and_a_tenant_that_they_own(world: World) -> None:
    response = build.api().post("/api/auth/register", NEW)
    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"token", "refresh_token", "expires_at", "user", "tenant"}
    assert body["user"] == {
        "id": body["user"]["id"],
        "email": "new@person.test",
        "first_name": "Née",
        "last_name": "",
    }
    assert body["tenant"] == {
        "id": body["tenant"]["id"],
        "slug": "new-place",
        "name": "New Place",
        "role": "owner",
    }
    client = build.Api(f"Bearer {body['token']}")
    assert client.post("/api/pools", {"name": "first"}).status_code == 201
    assert client.get("/api/pools").json()["total_count"] == 1
    user = User.objects.get(email="new@person.test")
    assert user.password.startswith("argon2$")
    assert Tenant.objects.get(slug="new-place").subscription.plan_id == "free"


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"email": "no address"}, 422, "/email"),
        ({"email": "owner@ours.test"}, 409, "/email"),
        ({"password": "short"}, 422, "/password"),
        ({"password": "new@person.test"}, 422, "/password"),
        ({"plan": "gold"}, 422, "/plan"),
        ({"plan": "custom"}, 422, "/plan"),
        ({"plan": "business"}, 422, "/plan"),  # nobody has paid for it
        ({"tenant_name": ""}, 422, "/tenant_name"),
        ({"tenant_name": "two\nlines"}, 422, "/tenant_name"),
        ({"first_name": "nul\x00"}, 422, "/first_name"),
        ({"is_staff": True}, 422, "/is_staff"),
    ],
)
def test_a_registration_that_is_refused_leaves_nothing(
    world: World, change: dict[str, object], status: int, pointer: str
) -> None:
    before = (User.objects.count(), Tenant.objects.count(), Membership.objects.count())
    response = build.api().post("/api/auth/register", NEW | change)
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in response.json()["errors"]][:1] == [pointer]
    assert (User.objects.count(), Tenant.objects.count(), Membership.objects.count()) == before


@pytest.mark.parametrize("prefix", ["/api/auth", "/auth"])
def test_signing_in_answers_with_the_only_tenant(world: World, prefix: str) -> None:
    person = build.member(world.ours, Role.OPERATOR, password=build.PASSWORD)
    response = build.api().post(f"{prefix}/login", {"email": person.email.upper(), "password": build.PASSWORD})
    assert response.status_code == 200
    assert response.json()["tenant"]["role"] == "operator"
    assert build.Api(f"Bearer {response.json()['token']}").get("/api/pools").status_code == 200


def test_a_person_of_several_tenants_says_which(world: World) -> None:
    person = build.join(build.member(world.ours, password=build.PASSWORD), world.theirs, Role.VIEWER)
    login = {"email": person.email, "password": build.PASSWORD}
    unbound = build.api().post("/api/auth/login", login).json()
    assert unbound["tenant"] is None
    client = build.Api(f"Bearer {unbound['token']}")
    refused = client.get("/api/pools")
    assert (refused.status_code, refused.json()["code"]) == (400, "tenant_required")
    assert client.get("/api/tenants/theirs/pools").status_code == 200
    bound = build.api().post("/api/auth/login", login | {"tenant": "theirs"}).json()
    assert bound["tenant"]["role"] == "viewer"
    assert build.Api(f"Bearer {bound['token']}").get("/api/tenants/ours/pools").status_code == 404
    assert build.api().post("/api/auth/login", login | {"tenant": "nobodys"}).status_code == 404
    listed = client.get("/api/profile/tenants").json()["items"]
    assert [(row["slug"], row["role"]) for row in listed] == [("ours", "owner"), ("theirs", "viewer")]


def test_every_way_of_being_wrong_is_answered_alike(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown address, a wrong password, a blocked person: one answer, and one hash computed for each."""
    hashed: list[str] = []
    for name in ("encode", "verify"):
        monkeypatch.setattr(Argon2, name, counted(getattr(Argon2, name), hashed))
    known = build.user(password=build.PASSWORD)
    blocked = build.user(password=build.PASSWORD, is_active=False)
    hashed.clear()
    answers = []
    for email, password in (("no@one.test", "x"), (known.email, "x"), (blocked.email, build.PASSWORD)):
        response = build.api().post("/api/auth/login", {"email": email, "password": password})
        answers.append((response.status_code, response.json() | {"request_id": ""}))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 401
    assert len(hashed) == 3


def counted(call: object, calls: list[str]) -> object:
    def run(self: object, *args: object, **options: object) -> object:
        calls.append("hashed")
        return call(self, *args, **options)  # type: ignore[operator]

    return run


def test_five_wrong_passwords_lock_out_the_account_at_that_address_only(world: World) -> None:
    """Behind one address (an office, a proxy) sit people of many tenants: nobody's guessing locks out a neighbour."""
    victim = build.member(world.theirs, password=build.PASSWORD)
    neighbour = build.member(world.ours, password=build.PASSWORD)
    wrong = {"email": victim.email, "password": "wrong"}
    for _ in range(lockout.LIMIT):
        assert build.api().post("/api/auth/login", wrong).status_code == 401
    locked = build.api().post("/api/auth/login", {"email": victim.email, "password": build.PASSWORD})
    assert (locked.status_code, locked.json()["code"]) == (429, "locked_out")
    assert int(locked.headers["Retry-After"]) == lockout.SECONDS
    fine = build.api().post("/api/auth/login", {"email": neighbour.email, "password": build.PASSWORD})
    assert fine.status_code == 200
    lockout.attempt(victim.email, "198.51.100.7")  # the victim, elsewhere


def test_an_unknown_account_is_locked_out_alike(world: World) -> None:
    for _ in range(lockout.LIMIT):
        build.api().post("/api/auth/login", {"email": "no@one.test", "password": "wrong"})
    assert build.api().post("/api/auth/login", {"email": "no@one.test", "password": "wrong"}).status_code == 429


def test_guesses_from_everywhere_hold_the_account_but_not_where_it_is_known(world: World) -> None:
    lockout.succeeded("a@b.test", "192.0.2.1")
    for number in range(lockout.ACCOUNT_LIMIT):
        lockout.attempt("a@b.test", f"198.51.100.{number}")
    with pytest.raises(lockout.LockedOut):
        lockout.attempt("a@b.test", "203.0.113.1")
    lockout.attempt("a@b.test", "192.0.2.1")


def test_basic_credentials_count_as_attempts(world: World) -> None:
    client = build.Api("Basic bm9AYm9keTp4")
    answers = [client.get("/api/pools").status_code for _ in range(lockout.LIMIT + 1)]
    assert answers == [401] * lockout.LIMIT + [429]


def test_a_refresh_token_is_good_once_and_a_second_use_ends_the_chain(world: World) -> None:
    person = build.member(world.ours, password=build.PASSWORD)
    first = build.api().post("/api/auth/login", {"email": person.email, "password": build.PASSWORD}).json()
    second = build.api().post("/api/auth/refresh", {"refresh_token": first["refresh_token"]}).json()
    assert second["tenant"]["slug"] == "ours"
    assert second["refresh_token"] != first["refresh_token"]
    stolen = build.api().post("/api/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert (stolen.status_code, stolen.json()["code"]) == (401, "invalid_token")
    after = build.api().post("/api/auth/refresh", {"refresh_token": second["refresh_token"]})
    assert after.status_code == 401
    assert not SignIn.objects.filter(user=person, ended_at=None).exists()
    assert build.Api(f"Bearer {second['token']}").get("/api/pools").status_code == 401, "its access tokens with it"
    written = AuditEntry.objects.get(tenant_id=world.ours.pk, act__in=["sign_in.reuse", "sign_in.refresh"])
    assert (written.act, written.outcome, written.name) == ("sign_in.reuse", "refused", person.email)
    assert (written.actor, written.address) == ("", "127.0.0.1"), "whoever showed it"


def test_a_refresh_token_dies_with_the_membership(world: World) -> None:
    person = build.member(world.ours, password=build.PASSWORD)
    login = build.api().post("/api/auth/login", {"email": person.email, "password": build.PASSWORD}).json()
    person.memberships.all().delete()
    assert build.api().post("/api/auth/refresh", {"refresh_token": login["refresh_token"]}).status_code == 401


def test_signing_out_ends_the_chain(world: World) -> None:
    person = build.member(world.ours, password=build.PASSWORD)
    login = build.api().post("/api/auth/login", {"email": person.email, "password": build.PASSWORD}).json()
    refresh = {"refresh_token": login["refresh_token"]}
    assert build.Api(f"Bearer {login['token']}").post("/api/auth/logout", refresh).status_code == 204
    assert build.api().post("/api/auth/refresh", refresh).status_code == 401


def test_a_key_is_shown_once_and_kept_as_a_digest(world: World) -> None:
    client = build.api(world.owner, world.ours)
    made = client.post("/api/keys", {"name": "ci", "role": "operator"})
    assert made.status_code == 201
    whole = made.json()["key"]
    assert whole.startswith(f"vf_{made.json()['prefix']}_")
    assert "key" not in client.get(f"/api/keys/{made.json()['id']}").json()
    assert whole.rsplit("_", 1)[1] not in str(ApiKey.objects.values_list().get(pk=made.json()["id"]))
    by_key = build.Api(f"Bearer {whole}")
    assert by_key.get("/api/pools").status_code == 200
    assert by_key.get("/api/tenants/theirs/pools").status_code == 404
    assert client.delete(f"/api/keys/{made.json()['id']}").status_code == 204
    assert by_key.get("/api/pools").json()["code"] == "invalid_key"
    assert client.delete(f"/api/keys/{made.json()['id']}").status_code == 404


@pytest.mark.parametrize("credential", ["vf_", "vf_x", "vf_aaaaaaaaaaaa_wrong", "vf_%00_x", "a.b.c", "", "é"])
def test_a_bad_bearer_is_a_401(world: World, credential: str) -> None:
    assert build.Api(f"Bearer {credential}").get("/api/pools").status_code == 401


def test_an_expired_key_is_no_key(world: World) -> None:
    key, whole = build.key(world.ours, world.owner)
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())
    assert build.Api(f"Bearer {whole}").get("/api/pools").status_code == 401


def test_a_key_holds_no_more_than_its_maker(world: World) -> None:
    operator = build.member(world.ours, Role.OPERATOR)
    refused = build.api(operator, world.ours).post("/api/keys", {"name": "up", "role": "owner"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/role")


def test_one_sees_ones_own_keys_and_who_manages_members_sees_all(world: World) -> None:
    operator = build.member(world.ours, Role.OPERATOR)
    build.key(world.ours, operator, Role.VIEWER)
    theirs = build.api_key(world.ours)
    client = build.api(operator, world.ours)
    assert client.get("/api/keys").json()["total_count"] == 1
    assert client.delete(f"/api/keys/{theirs.pk}").status_code == 404
    assert build.api(world.owner, world.ours).get("/api/keys").json()["total_count"] == 2


def forged(key: str = "", **claims: object) -> str:
    now = timezone.now()
    whole: dict[str, object] = {
        "iss": tokens.ISSUER,
        "aud": tokens.AUDIENCE,
        "sub": "",
        "tenant": None,
        "iat": now,
        "nbf": now,
        "exp": now + tokens.lifetime(),
        "jti": "x",
        "sid": "",
    }
    kid, ours = keyring.current()
    kept = {n: v for n, v in (whole | claims).items() if v != ""}
    return jwt.encode(kept, key or ours, algorithm="HS256", headers={"kid": kid})


def test_a_forged_token_lets_nobody_in(world: World) -> None:
    sub = str(world.owner.pk)
    build.token(world.owner)
    sid = SignIn.objects.latest("created_at").pk
    assert build.Api(f"Bearer {forged(sid=sid, sub=sub, tenant=world.ours.pk)}").get("/api/pools").status_code == 200
    past = timezone.now() - 2 * tokens.lifetime()
    for token in (
        forged(sid=sid, sub=sub, key="another-key-another-key-another-key!"),
        forged(sid=sid, sub=sub, iss="someone"),
        forged(sid=sid, sub=sub, aud="veloflux-other"),
        forged(sid=sid, sub=sub, exp=past),
        forged(sid=sid, sub=sub, nbf=timezone.now() + tokens.lifetime()),
        forged(sid=sid, sub=sub, jti=""),
        forged(sub="1", sid=sid),
        forged(sub=sub),
        forged(sub=str(world.viewer.pk), sid=sid),
        forged(),
        forged(sid=sid, sub=sub, tenant=7),
        jwt.encode({"sub": sub}, "", algorithm="none"),
    ):
        assert build.Api(f"Bearer {token}").get("/api/pools").status_code == 401, token
    expired = build.Api(f"Bearer {forged(sid=sid, sub=sub, exp=past)}").get("/api/pools").json()
    assert expired["code"] == "token_expired"


def test_a_token_of_another_tenant_is_nobody_here(world: World) -> None:
    """On our path 404, on our host 401; also for one who belongs to both (api.md: they must agree)."""
    person = build.join(build.member(world.ours), world.theirs)
    world.ours.domains.create(domain="ours.veloflux.test", is_primary=True)
    for who in (world.their_owner, person):
        theirs = build.api(who, world.theirs)
        assert theirs.get("/api/tenants/ours/pools").status_code == 404
        on_host = build.api(who, world.theirs, host="ours.veloflux.test").get("/api/pools")
        assert (on_host.status_code, on_host.json()["code"]) == (401, "wrong_tenant")
    assert build.api(world.their_owner, host="ours.veloflux.test").get("/api/pools").status_code == 404
    assert build.api(person, host="ours.veloflux.test").get("/api/pools").status_code == 200
    assert build.api(person, host="ours.veloflux.test").get("/api/tenants/theirs/pools").status_code == 404


def test_a_blocked_person_is_out_at_once(world: World) -> None:
    client = build.api(world.owner, world.ours)
    _, whole = build.key(world.ours, world.owner)
    User.objects.filter(pk=world.owner.pk).update(is_active=False)
    assert people.user(world.owner.pk) is None
    assert client.get("/api/pools").status_code == 401
    assert build.Api(f"Bearer {whole}").get("/api/pools").status_code == 401


def test_the_profile_is_ones_own_to_change(world: World) -> None:
    client = build.api(world.viewer, world.ours)
    body = client.get("/api/profile").json()
    assert body["email"] == "viewer@ours.test"
    changed = client.put("/api/profile", body | {"first_name": "Ana", "language": "pt-br", "theme": "dark"})
    assert changed.status_code == 200
    assert changed.json() == body | {"first_name": "Ana", "language": "pt-br", "theme": "dark"}
    refused = client.put("/api/profile", {"language": "tlh"})
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/language"]


def test_tenants_are_listed_made_and_shown(world: World) -> None:
    client = build.api(world.owner)
    assert [row["slug"] for row in client.get("/api/tenants").json()["items"]] == ["ours"]
    made = client.post("/api/tenants", {"name": "Second", "slug": "second-one"})
    assert made.status_code == 201
    assert made.json()["role"] == "owner"
    assert client.get("/api/tenants/second-one/pools").status_code == 200
    assert client.get("/api/tenants/second-one").json() == made.json()
    assert client.get("/api/tenants/theirs").status_code == 404
    taken = client.post("/api/tenants", {"name": "Third", "slug": "second-one"})
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (409, "/slug")
    for slug in ("api", "Upper", "-x", "a--b", "x" * 41):
        assert client.post("/api/tenants", {"name": "Third", "slug": slug}).status_code == 422, slug


def test_a_session_needs_its_csrf_token(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.owner)
    assert browser.get("/api/pools").status_code == 200
    refused = browser.post("/api/pools", {"name": "x"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    assert browser.get("/api/pools").json()["total_count"] == 0


@pytest.mark.parametrize("odd", ["a\u202eb", "a\u2066b", "\ufeff", "a\nb", "a\u2028b", "a\ufdd0"])
@pytest.mark.parametrize("field", ["tenant_name", "first_name"])
def test_a_name_reads_as_it_is_written_at_either_door(world: World, odd: str, field: str) -> None:
    before = Tenant.objects.count()
    response = build.api().post("/api/auth/register", {**NEW, field: odd})
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [f"/{field}"]
    page = Client().post("/signup", {**NEW, field: odd})
    assert page.status_code == 422
    assert f'id="id_{field}_error"' in page.content.decode() or "is-invalid" in page.content.decode()
    assert Tenant.objects.count() == before


def test_a_cookie_that_no_session_can_have_is_nobodys(world: World) -> None:
    """A quoted cookie may hold a NUL, which PostgreSQL cannot be asked about."""
    client = Client(headers={"Cookie": r'sessionid="aaaaaaaa\000aaaa"'})
    assert client.get("/login").status_code == 200
    assert client.get("/api/profile").status_code == 401


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OWNER])
def test_a_key_does_not_change_its_makers_profile(world: World, role: Role) -> None:
    client = build.Api(f"Bearer {build.key(world.ours, world.owner, role)[1]}")
    response = client.put("/api/profile", {"first_name": "Hacked"})
    assert (response.status_code, response.json()["code"]) == (403, "people_only")
    assert User.objects.get(pk=world.owner.pk).first_name != "Hacked"
