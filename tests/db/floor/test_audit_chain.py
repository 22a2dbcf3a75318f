"""The audit trail: only ever added to, one chain for each tenant, and each tenant's own."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.utils import timezone

from tenants.actor import SYSTEM, Actor
from tenants.models import AuditEntry, Tenant
from tenants.queries import audit_chain
from tenants.scope import platform_scope, tenant_scope
from tenants.services.trail import audit
from tests.conftest import World

AT = datetime(2026, 11, 22, 3, 4, 5, 678901, tzinfo=UTC)


def write(tenant: Tenant | None, act: str = "thing.done", **values: Any) -> AuditEntry:
    return audit.record(act, by=SYSTEM, now=AT, tenant=tenant, **values)


def walked(tenant: Tenant | None) -> audit_chain.Walked:
    with platform_scope():
        return next(audit_chain.walk(tenant.pk if tenant else ""))


def tamper(statement: str, *values: str | int) -> None:
    """As somebody who may take the triggers off."""
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_auditentry DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE tenants_auditentry ENABLE TRIGGER USER")


def verify(*options: str) -> str:
    out = io.StringIO()
    with platform_scope():
        call_command("audit_verify", *options, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda entry: AuditEntry.objects.filter(pk=entry.pk).update(actor="nobody"),
        lambda entry: AuditEntry.objects.filter(pk=entry.pk).delete(),
        lambda entry: entry.save(),
        lambda entry: connection.cursor().execute("TRUNCATE tenants_auditentry"),
        lambda entry: connection.cursor().execute(
            "INSERT INTO tenants_auditentry SELECT * FROM tenants_auditentry "
            "ON CONFLICT (id) DO UPDATE SET actor = 'nobody'"
        ),
    ],
)
def test_f16_a_row_is_neither_changed_nor_taken_out(world: World, change: Callable[[AuditEntry], object]) -> None:
    entry = write(world.ours)
    with platform_scope():
        try:
            with transaction.atomic():
                change(entry)
        except DatabaseError:
            pass
        kept = AuditEntry.objects.get(tenant_id=world.ours.pk, act="thing.done", pk=entry.pk)
    assert (kept.actor, kept.digest) == ("system", entry.digest or kept.digest)
    assert walked(world.ours).broken is None


@pytest.mark.django_db
def test_f16_the_database_and_the_verifier_compute_the_same(world: World) -> None:
    """With every field filled, and with what JSON, separators and other alphabets make difficult."""
    person = Actor(
        world.owner.pk, "api key ção", address="2001:db8::1", name="o@ours.test", impersonator="s@x.test",
        request_id="r-1",
    )  # fmt: skip
    hard = {"b": [1, 2.50, None, True], "a": "3:x|é—\n\u2028", "ключ": {"z": 1, "aa": 1e20}}
    audit.record("a.b", by=person, now=AT, tenant=world.ours, name="7:n", before=hard, after={"a": ""}, detail="é")
    write(world.ours)
    write(world.theirs)
    write(None)
    for tenant in (world.ours, world.theirs, None):
        found = walked(tenant)
        assert found.broken is None, found
    with platform_scope():
        newest = AuditEntry.objects.filter(tenant_id=world.ours.pk)[0]
    assert (walked(world.ours).head, len(newest.digest)) == (newest.digest, 64)


@pytest.mark.django_db
def test_f16_entries_say_what_came_before_and_chains_do_not_mix(world: World) -> None:
    before = walked_entries(world.ours)
    one = write(world.ours)
    write(world.theirs)
    two = write(world.ours)
    after = walked_entries(world.ours)
    assert [row.pk for row in after[len(before) :]] == [one.pk, two.pk]
    assert after[-1].previous == after[-2].digest


def walked_entries(tenant: Tenant) -> list[AuditEntry]:
    with platform_scope():
        return list(AuditEntry.objects.filter(tenant_id=tenant.pk).order_by("pk"))


@pytest.mark.django_db
def test_f16_what_a_client_says_of_digests_and_ids_is_not_taken(world: World) -> None:
    with platform_scope():
        forged = AuditEntry.objects.create(
            id=1, tenant_id=world.ours.pk, at=AT, act="x.y", previous="p" * 64, digest="d" * 64
        )
        forged.refresh_from_db()
    assert forged.digest != "d" * 64
    assert walked(world.ours).broken is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE tenants_auditentry SET actor = 'nobody' WHERE id = %s", "not what was written"),
        ('UPDATE tenants_auditentry SET after = \'{"role": "viewer"}\' WHERE id = %s', "not what was written"),
        ("UPDATE tenants_auditentry SET at = at - interval '1 microsecond' WHERE id = %s", "not what was written"),
        ("DELETE FROM tenants_auditentry WHERE id = %s", "missing, or was put in"),
    ],
)
def test_f16_audit_verify_names_the_first_entry_that_is_not_what_it_was(world: World, statement: str, why: str) -> None:
    write(world.ours)
    changed = write(world.ours, after={"role": "owner"})
    following = write(world.ours)
    assert "unbroken" in verify("--tenant", world.ours.slug)
    tamper(statement, changed.pk)
    broken = following if statement.startswith("DELETE") else changed
    with pytest.raises(CommandError):
        verify()
    found = walked(world.ours)
    assert (found.broken, why in found.why) == (broken.pk, True), found
    assert "unbroken" in verify("--tenant", world.theirs.pk) if walked_entries(world.theirs) else True


@pytest.mark.django_db
def test_f16_a_chain_written_anew_from_the_middle_shows_by_the_kept_head(world: World) -> None:
    write(world.ours)
    write(world.ours)
    head = walked(world.ours).head
    tamper("DELETE FROM tenants_auditentry WHERE digest = %s", head)
    assert walked(world.ours).broken is None
    assert walked(world.ours).head != head


@pytest.mark.django_db
def test_f16_a_tenants_scope_sees_and_writes_its_own_only(world: World) -> None:
    mine, other, platforms = write(world.ours), write(world.theirs), write(None)
    with tenant_scope(world.ours):
        seen = set(AuditEntry.objects.values_list("pk", flat=True))
    assert mine.pk in seen
    assert not {other.pk, platforms.pk} & seen
    for tenant_id in (world.theirs.pk, ""):
        with tenant_scope(world.ours), pytest.raises(DatabaseError), transaction.atomic():
            AuditEntry.objects.create(tenant_id=tenant_id, at=AT, act="x.y")


@pytest.mark.django_db
def test_f16_a_chain_cannot_fork(world: World) -> None:
    write(world.ours)
    with pytest.raises(IntegrityError), transaction.atomic():
        tamper(
            "INSERT INTO tenants_auditentry (id, tenant_id, at, actor, impersonator, through, act, kind, object_id, "
            "name, outcome, detail, before, after, request_id, previous, digest) SELECT id + 1000000, tenant_id, at, "
            "actor, impersonator, through, act, kind, object_id, name, outcome, detail, before, after, request_id, "
            "previous, 'x' FROM tenants_auditentry WHERE tenant_id = %s",
            world.ours.pk,
        )


def test_f16_many_at_once_make_one_chain(committed: World) -> None:
    def some(number: int) -> None:
        try:
            for _ in range(10):
                with tenant_scope(committed.ours), transaction.atomic():
                    audit.record("race.run", by=SYSTEM, now=timezone.now(), tenant=committed.ours, name=str(number))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(some, range(6)))
    with platform_scope():
        assert AuditEntry.objects.filter(act="race.run").count() == 60
    assert walked(committed.ours).broken is None


@pytest.mark.django_db
def test_f16_secrets_are_redacted(world: World) -> None:
    entry = write(world.ours, before={"password": "old", "name": "a"}, after={"password": "new", "name": "b"})
    assert entry.before == {"password": audit.REDACTED, "name": "a"}
    assert entry.after == {"password": audit.REDACTED, "name": "b"}
