"""Secrets at rest, and what happens when the key that sealed them is replaced."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from balancer.fleet.models import Node
from balancer.services import nodes
from tenants import vault
from tenants.models import AuditEntry, SignIn, SmtpServer, Tenant, Totp, User
from tenants.scope import platform_scope
from tenants.services import rotation
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db
OLD, NEW, OTHER = (base64.urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3))


@pytest.fixture
def keys(settings: Any, world: World) -> Callable[..., None]:
    """Set the keys; the world's own nodes are sealed with the first that is set."""

    def use(*given: str) -> None:
        settings.ENCRYPTION_KEYS = list(given)

    with platform_scope():
        Node.objects.update(key="")
    use(OLD)
    return use


def run(*options: str) -> str:
    out = io.StringIO()
    with platform_scope():
        call_command("rotate_keys", *options, stdout=out, stderr=out)
    return out.getvalue()


def smtp(tenant: Tenant, password: str) -> SmtpServer:
    sealed = vault.seal(password, about=f"smtp_server.password:{tenant.pk}")
    return SmtpServer.objects.create(
        tenant=tenant, host="mail.test", password=sealed, sender="a@b.test", updated_at=timezone.now()
    )


def totp(user: User, secret: str) -> Totp:
    return Totp.objects.create(
        user=user, created_at=timezone.now(), secret=vault.seal(secret, about=f"totp.secret:{user.pk}")
    )


def opened(server: SmtpServer) -> str:
    server.refresh_from_db()
    return vault.unseal(server.password, about=f"smtp_server.password:{server.pk}")


def test_f15_every_secret_is_sealed_anew_and_the_old_key_can_go(keys: Callable[..., None], world: World) -> None:
    with platform_scope():
        server, app = smtp(world.ours, "s3cret"), totp(world.owner, "JBSWY3DP")
        empty = smtp(world.theirs, "")
        node = nodes.take_in("n7", build.cluster(), key="k" * 64)
    keys(NEW, OLD)
    with pytest.raises(CommandError):
        run("--check")
    said = run()
    assert "smtp_server.password: 1 sealed anew, 0 already were" in said
    run("--check")
    keys(NEW)
    with platform_scope():
        assert opened(server) == "s3cret"
        app.refresh_from_db()
        node.refresh_from_db()
        empty.refresh_from_db()
    assert vault.unseal(app.secret, about=f"totp.secret:{app.pk}") == "JBSWY3DP"
    assert (nodes.key_of(node), empty.password) == ("k" * 64, "")
    assert "smtp_server.password: 0 sealed anew, 1 already were" in run()


def test_f15_it_stops_and_goes_on_where_it_was(
    keys: Callable[..., None], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [build.user() for _ in range(5)]
    with platform_scope():
        made = [totp(person, f"secret {n}") for n, person in enumerate(people)]
    keys(NEW, OLD)
    column = next(one for one in rotation.columns() if one.about == "totp.secret")
    real, calls = rotation._reseal, []

    def stop_at_the_fourth(*args: Any) -> int:
        calls.append(args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(rotation, "_reseal", stop_at_the_fourth)
    with platform_scope(), pytest.raises(KeyboardInterrupt):
        rotation.rotate(column, at_once=2)
    monkeypatch.setattr(rotation, "_reseal", real)
    with platform_scope():
        assert rotation.older(column).count() == 3
        assert rotation.rotate(column, at_once=2) == rotation.Counted(current=2, resealed=3, unopened=())
        secrets = [Totp.objects.get(pk=one.pk).secret for one in made]
    keys(NEW)
    assert [vault.unseal(s, about=f"totp.secret:{p.pk}") for s, p in zip(secrets, people, strict=True)] == [
        f"secret {n}" for n in range(5)
    ]


def test_f15_what_no_key_opens_is_named_and_left(keys: Callable[..., None], world: World) -> None:
    with platform_scope():
        keys(OTHER)
        lost = smtp(world.theirs, "lost")
        keys(OLD)
        found = smtp(world.ours, "found")
    keys(NEW, OLD)
    with pytest.raises(CommandError, match="bring back the key"):
        run()
    before = lost.password
    with platform_scope():
        lost.refresh_from_db()
        assert opened(found) == "found"
    assert lost.password == before
    keys(NEW, OLD, OTHER)
    assert "smtp_server.password: 1 sealed anew" in run()


def test_f15_a_rotation_is_in_the_platforms_audit_and_holds_no_secret(keys: Callable[..., None], world: World) -> None:
    with platform_scope():
        smtp(world.ours, "s3cret")
        keys(NEW, OLD)
        run()
        entry = AuditEntry.objects.get(act="secrets.rotate")
    assert (entry.tenant_id, entry.after) == ("", {"smtp_server.password": 1})


def test_f15_no_column_of_the_database_holds_a_secret_in_the_clear(world: World) -> None:
    """What is named like a secret is sealed, a digest, or said here to be none."""
    harmless = {
        "tenants.User.password",  # argon2
        "tenants.SignIn.session_key",
        "tenants.Passkey.public_key",
        "tenants.SsoProvider.metadata",
        "sessions.Session.session_key",
        "fleet.DomainProof.token",  # what the owner of the host publishes
    }
    words = ("secret", "password", "token", "key")
    sealed = set(settings.SEALED_COLUMNS)
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            name = f"{model._meta.app_label}.{model._meta.object_name}.{field.name}"
            text = field.get_internal_type() in ("TextField", "CharField")
            if text and any(word in field.name.split("_") for word in words):
                assert name in sealed | harmless, name
    assert SignIn._meta.get_field("id_token")
