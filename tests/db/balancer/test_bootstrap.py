"""The first start: a login that is made once, whole or not at all."""

from typing import Any

import pytest

from balancer.management.commands import bootstrap
from tenants.models import User
from tenants.scope import platform_scope
from tenants.services import keys
from tests.conftest import World

pytestmark = pytest.mark.django_db


def test_the_first_login_is_staff_and_is_made_once(world: World) -> None:
    with platform_scope():
        login = bootstrap.first_login()
        assert login is not None
        user = User.objects.get(email=bootstrap.EMAIL)
        assert bootstrap.first_login() is None
    assert (user.is_staff, user.is_superuser, user.email_verified_at is not None) == (True, True, True)
    assert user.check_password(login.password)
    assert login.api_key.startswith("vf_")


def test_a_first_login_that_fails_leaves_nobody_without_a_password(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the machine stopped here")

    monkeypatch.setattr(keys, "create", fail)
    with platform_scope(), pytest.raises(OSError, match="stopped here"):
        bootstrap.first_login()
    with platform_scope():
        assert not User.objects.filter(email=bootstrap.EMAIL).exists()
