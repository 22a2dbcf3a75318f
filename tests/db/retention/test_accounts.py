"""Accounts whose address nobody proved go after a week, with the tenant that only they had; who was ever in stays."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from balancer.fleet.models import Edit
from tenants.models import AuditEntry, Membership, SignIn, SsoIdentity, Tenant, TenantStatus, User
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.services.people import accounts, unproven
from tenants.services.people.accounts import NewAccount
from tenants.services.signing_in import one_time, sign_ins
from tenants.services.signing_in.sign_ins import From
from tenants.services.tenancy import tenancy, tenant_life
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db
NOW = timezone.now()
WEEK = unproven.AFTER
LATER = NOW + WEEK + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def as_in_production(settings: Any, world: World) -> None:
    """Everybody who is there has proven their address."""
    settings.DEMO, settings.VERIFY_EMAIL = False, True
    User.objects.update(email_verified_at=NOW)


def register(email: str = "nobody@new.test") -> tuple[User, Tenant]:
    with platform_scope():
        return accounts.register(
            NewAccount(email, build.PASSWORD, "New"), language="en", source=From("192.0.2.1"), now=NOW
        )


def sweep(when: Any = LATER) -> int:
    with platform_scope():
        return unproven.sweep(now=when)


def there(user: User) -> bool:
    return User.objects.filter(pk=user.pk).exists()


def status(tenant: Tenant) -> str:
    return str(Tenant.objects.get(pk=tenant.pk).status)


def test_after_a_week_account_and_tenant_go_by_the_usual_way(world: World) -> None:
    user, tenant = register()
    assert sweep(NOW + WEEK - timedelta(minutes=1)) == 0
    assert there(user)
    assert sweep() == 1
    assert (there(user), status(tenant)) == (False, TenantStatus.DELETED)
    with platform_scope():
        assert Edit.objects.filter(tenant=tenant, kind="tenant").exists(), "The nodes are not told."
        acts = AuditEntry.objects.filter(tenant_id__in=["", tenant.pk]).order_by("pk").values_list("act", "name")
        assert {("account.expire", "nobody@new.test"), ("tenant.delete", "New")} <= set(acts)
        assert tenant_life.purge_due(now=LATER + tenant_life.GRACE) == 1
    assert not Tenant.objects.filter(pk=tenant.pk).exists()
    assert sweep() == 0
    again, _ = register()
    assert again.pk != user.pk


def test_one_who_proved_the_address_stays(world: World) -> None:
    user, _ = register()
    User.objects.filter(pk=user.pk).update(email_verified_at=NOW)
    assert sweep() == 0
    assert there(user)


@pytest.mark.parametrize("how", ["sign_in", "login", "sso", "staff", "key"])
def test_one_who_was_ever_in_stays(world: World, how: str) -> None:
    user, tenant = register()
    match how:
        case "sign_in":
            membership = Membership.objects.get(user=user)
            sign_ins.start(user, tenant, membership, source=From("192.0.2.1"), now=NOW)
            assert SignIn.objects.filter(user=user).exists()
        case "login":
            User.objects.filter(pk=user.pk).update(last_login=NOW)
        case "sso":
            SsoIdentity.objects.create(
                tenant=world.ours, user=user, issuer="https://id.test", subject="s", created_at=NOW
            )
        case "staff":
            User.objects.filter(pk=user.pk).update(is_staff=True)
        case "key":
            key, _ = build.key(tenant, user, Role.VIEWER)
            type(key).objects.filter(pk=key.pk).update(last_used_at=NOW)
    assert sweep() == 0
    assert (there(user), status(tenant)) == (True, TenantStatus.ACTIVE)


def test_a_tenant_with_somebody_else_in_it_stays_and_so_does_its_member(world: World) -> None:
    user, tenant = register()
    build.join(world.viewer, tenant, Role.OPERATOR)
    assert sweep() == 0
    assert (there(user), status(tenant)) == (True, TenantStatus.ACTIVE)


def test_never_where_addresses_need_no_proof(world: World, settings: Any) -> None:
    user, _ = register()
    for settings.DEMO, settings.VERIFY_EMAIL in ((True, True), (False, False), (True, False)):
        assert sweep() == 0
    assert there(user)


def test_a_run_has_a_bound_and_one_who_proves_it_meanwhile_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [register(f"n{number}@new.test")[0] for number in range(3)]
    with platform_scope():
        assert unproven.sweep(now=LATER, most=2) == 2
    left = next(user for user in users if there(user))
    hold = tenancy.hold

    def proves(tenant_id: str) -> Tenant:
        User.objects.filter(pk=left.pk).update(email_verified_at=NOW)
        return hold(tenant_id)

    monkeypatch.setattr(tenancy, "hold", proves)
    assert sweep() == 0
    assert [there(user) for user in users].count(True) == 1
    assert there(left)


def test_what_mails_carried_goes_a_day_after_it_was_good(world: World) -> None:
    user, _ = register()
    tokens = user.one_time_tokens
    assert tokens.count() == 1
    with platform_scope():
        one_time.forget_old(now=NOW + timedelta(hours=71))
        assert tokens.count() == 1
        one_time.forget_old(now=NOW + timedelta(hours=73))
    assert tokens.count() == 0


def test_sign_ins_and_refresh_tokens_go_when_they_prove_nothing(world: World) -> None:
    membership = Membership.objects.get(user=world.owner, tenant=world.ours)
    sign_ins.start(world.owner, world.ours, membership, source=From("192.0.2.1"), now=NOW)
    row = SignIn.objects.get(user=world.owner, tenant=world.ours)
    tokens = row.refresh_tokens
    with platform_scope():
        sign_ins.forget_old(now=row.expires_at - timedelta(seconds=1))
        assert tokens.count() == 1
        sign_ins.forget_old(now=max(row.expires_at, tokens.get().expires_at) + timedelta(seconds=1))
    assert not SignIn.objects.filter(pk=row.pk).exists()
    assert tokens.count() == 0
