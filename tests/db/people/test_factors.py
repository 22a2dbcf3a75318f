"""The second factor: codes, their replay, their number, recovery, and tenants that ask for one."""

from datetime import timedelta

import pyotp
import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import AuditEntry, RecoveryCode, SignIn, Tenant, Totp, User
from tenants.queries import directory
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.services.signing_in import lockout, second_step
from tests import build
from tests.conftest import World
from tests.db.people.conftest import Post, bearer, login, with_app

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_demo(settings_without_demo: None) -> None:
    """The limits of production."""


def test_f1_a_second_factor_is_asked_after_the_password_only(world: World, person: User) -> None:
    app = with_app(person)
    wrong = build.api().post("/api/auth/login", {"email": person.email, "password": "wrong", "otp": app.now()})
    assert wrong.json()["code"] == "wrong_credentials"
    asked = login(person)
    assert (asked.status_code, asked.json()["code"]) == (401, "otp_required")
    assert "token" not in asked.json()
    done = build.api().post("/api/auth/mfa/verify", {"mfa_token": asked.json()["mfa_token"], "otp": app.now()})
    assert bearer(done).get("/api/pools").status_code == 200


def test_f1_a_code_is_good_once(world: World, person: User) -> None:
    app = with_app(person)
    code = app.now()
    assert login(person, otp=code).status_code == 200
    replayed = login(person, otp=code)
    assert (replayed.status_code, replayed.json()["code"]) == (422, "invalid")
    assert replayed.json()["errors"][0]["pointer"] == "/otp"


@pytest.mark.parametrize(("steps", "status"), [(-2, 422), (-1, 200), (0, 200), (1, 200), (2, 422)])
def test_f1_clocks_may_differ_by_one_step(
    world: World, person: User, steps: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now().replace(second=10)  # in the middle of a step
    monkeypatch.setattr("tenants.api.auth.timezone.now", lambda: now)
    app = with_app(person)
    assert login(person, otp=app.at(now + steps * timedelta(seconds=30))).status_code == status


def test_f1_guesses_at_a_second_factor_are_limited(world: World, person: User) -> None:
    app = with_app(person)
    ticket = second_step.ticket(person)
    for number in range(lockout.FACTOR_LIMIT):
        guess = {"mfa_token": ticket, "otp": f"{number:06}"}
        assert build.api().post("/api/auth/mfa/verify", guess).status_code == 422
    held = build.api().post("/api/auth/mfa/verify", {"mfa_token": ticket, "otp": app.now()})
    assert (held.status_code, held.json()["code"]) == (429, "locked_out")
    refused = AuditEntry.objects.filter(act="sign_in.second_factor", outcome="refused")
    assert refused.count() == lockout.FACTOR_LIMIT + 1


def test_f1_a_new_password_ends_what_waits_for_the_second_step(world: World, person: User) -> None:
    app, ticket = with_app(person), second_step.ticket(person)
    person.set_password("another long sentence")
    person.save()
    late = build.api().post("/api/auth/mfa/verify", {"mfa_token": ticket, "otp": app.now()})
    assert (late.status_code, late.json()["code"]) == (401, "mfa_expired")


def test_f5_setting_up_an_app_gives_ten_codes_once(world: World, person: User, post: Post) -> None:
    inside = bearer(login(person))
    begun = inside.post("/api/profile/mfa").json()
    assert begun["secret"] not in Totp.objects.get(user=person).secret
    assert inside.get("/api/profile/mfa").json()["totp"] is False
    with platform_scope():
        written = AuditEntry.objects.get(tenant_id=world.ours.pk, act="second_factor.begin")
    assert (written.actor, written.object_id, written.detail) == (person.email, str(person.pk), "totp")
    assert login(person).status_code == 200, "what is being set up counts for nothing"
    assert inside.post("/api/profile/mfa/verify", {"otp": "000000"}).status_code == 422
    codes = inside.post("/api/profile/mfa/verify", {"otp": pyotp.TOTP(begun["secret"]).now()}).json()["recovery_codes"]
    assert len(set(codes)) == 10
    kept = str(list(RecoveryCode.objects.filter(user=person).values_list("digest", flat=True)))
    assert not any(code.replace("-", "") in kept for code in codes)
    assert post.to(person.email) == ["A second factor was added to your VeloFlux account"]
    assert login(person).json()["code"] == "otp_required"
    assert login(person, otp=codes[0].upper()).status_code == 200
    assert login(person, otp=codes[0]).status_code == 422, "good once"
    assert inside.get("/api/profile/mfa").json()["recovery_codes_left"] == 9
    fresh = inside.post("/api/profile/mfa/recovery-codes").json()["recovery_codes"]
    assert login(person, otp=codes[1]).status_code == 422
    assert login(person, otp=fresh[1]).status_code == 200
    assert inside.delete("/api/profile/mfa").status_code == 204
    assert login(person).status_code == 200
    assert not RecoveryCode.objects.filter(user=person).exists()


def test_f5_another_persons_code_is_nothing(world: World, person: User) -> None:
    other = build.member(world.ours, password=build.PASSWORD)
    with_app(person)
    assert login(person, otp=with_app(other).now()).status_code == 422


def test_f9_basic_is_not_a_way_around_a_second_factor(world: World, person: User) -> None:
    import base64

    basic = build.Api("Basic " + base64.b64encode(f"{person.email}:{build.PASSWORD}".encode()).decode())
    assert basic.get("/api/pools").status_code == 200
    with_app(person)
    refused = basic.get("/api/pools")
    assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_required")


def ask_for_one(tenant: Tenant, days: int) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(second_factor_from=timezone.now() + timedelta(days=days))
    directory.forget()


def test_a_tenant_may_ask_for_a_second_factor_after_a_time_of_grace(world: World, person: User) -> None:
    ask_for_one(world.ours, 7)
    inside = bearer(login(person))
    assert inside.get("/api/pools").status_code == 200
    ask_for_one(world.ours, -1)
    refused = inside.get("/api/pools")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    begun = inside.post("/api/profile/mfa")
    assert begun.status_code == 201, "they are let in to set one up"
    otp = pyotp.TOTP(begun.json()["secret"]).now()
    assert inside.post("/api/profile/mfa/verify", {"otp": otp}).status_code == 200
    assert inside.get("/api/pools").status_code == 200


def test_an_asked_for_factor_that_is_removed_is_missed_at_once(world: World, person: User) -> None:
    ask_for_one(world.ours, -1)
    inside = bearer(login(person))
    begun = inside.post("/api/profile/mfa").json()
    inside.post("/api/profile/mfa/verify", {"otp": pyotp.TOTP(begun["secret"]).now()})
    assert inside.get("/api/pools").status_code == 200
    inside.delete("/api/profile/mfa")
    assert inside.get("/api/pools").json()["code"] == "second_factor_required"


def test_a_key_needs_no_second_factor(world: World, person: User) -> None:
    ask_for_one(world.ours, -1)
    _, whole = build.key(world.ours, person, Role.VIEWER)
    assert build.Api(f"Bearer {whole}").get("/api/pools").status_code == 200


def test_the_console_leads_to_where_one_is_set_up(world: World, person: User, client: Client) -> None:
    ask_for_one(world.ours, -1)
    client.force_login(person)
    sent = client.get("/t/ours/pools")
    assert (sent.status_code, sent.headers["Location"]) == (302, "/security")
    page = client.get("/security").content.decode()
    assert "Ours asks for a second factor" in page


def test_a_dangerous_act_asks_for_a_fresh_proof(world: World, person: User) -> None:
    with_app(person)
    token = build.token(person, world.ours)
    SignIn.objects.filter(user=person).update(proven_at=timezone.now() - timedelta(minutes=16))
    inside = build.Api(f"Bearer {token}")
    for method, path in (("DELETE", "/api/profile/mfa"), ("POST", "/api/profile/mfa/recovery-codes")):
        refused = inside(method, path)
        assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
    assert inside.post("/api/profile/email", {"email": "x@y.test"}).json()["code"] == "reauthentication_required"
    assert Totp.objects.filter(user=person).exists()


def test_a_key_is_not_its_maker(world: World, person: User) -> None:
    _, whole = build.key(world.ours, person, Role.VIEWER)
    key = build.Api(f"Bearer {whole}")
    for method, path in (
        ("GET", "/api/profile/sessions"),
        ("GET", "/api/profile/mfa"),
        ("POST", "/api/profile/mfa"),
        ("POST", "/api/profile/password"),
        ("PUT", "/api/profile"),
    ):
        refused = key(method, path, {} if method != "GET" else None)
        assert (refused.status_code, refused.json()["code"]) == (403, "people_only"), path
