"""A schema from recorded SQL is the one that migrations make; the fleet is migrated where it is not current."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from tenants.errors import InvalidField
from tenants.models import Membership, SchemaSnapshot, Tenant, User
from tenants.queries import schemas
from tenants.scope import Scope, platform_scope, scoped
from tenants.services.schemas import fleet_migration, migrations, provision
from tenants.services.tenancy import tenancy
from tests import build
from tests.conftest import World

STATEMENTS = {
    "columns": "SELECT table_name, column_name, ordinal_position, data_type, character_maximum_length, is_nullable, "
    "column_default, is_identity, identity_generation, collation_name FROM information_schema.columns "
    "WHERE table_schema = %(schema)s ORDER BY 1, 3",
    "constraints": "SELECT t.relname, c.conname, c.contype::text, c.condeferrable, c.condeferred, "
    "pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid "
    "JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = %(schema)s ORDER BY 1, 2",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = %(schema)s ORDER BY 1, 2",
    "sequences": "SELECT sequencename, data_type::text, start_value, increment_by, last_value FROM pg_sequences "
    "WHERE schemaname = %(schema)s ORDER BY 1",
    "relations": "SELECT relname, relkind::text, relrowsecurity FROM pg_class c JOIN pg_namespace n "
    "ON n.oid = c.relnamespace WHERE n.nspname = %(schema)s ORDER BY 1, 2",
    "triggers": "SELECT t.relname, pg_get_triggerdef(g.oid) FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid "
    "JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = %(schema)s AND NOT g.tgisinternal ORDER BY 1, 2",
}


def catalogue(schema: str) -> dict[str, list[Any]]:
    """All that PostgreSQL knows of it, without its name."""
    found = {}
    with platform_scope(), connection.cursor() as cursor:
        for what, statement in STATEMENTS.items():
            cursor.execute(statement, {"schema": schema})
            found[what] = [
                tuple(v.replace(schema, "_") if isinstance(v, str) else v for v in row) for row in cursor.fetchall()
            ]
    with scoped(Scope(schema, schema)), connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        found["migrations"] = cursor.fetchall()
    return found


def make_row(name: str = "Row") -> Tenant:
    """A tenant's row alone, without a schema."""
    with platform_scope():
        identity = f"{name.lower()}aaaaaaaaaaaa"[:12]
        tenant = Tenant(
            id=identity, slug=name.lower(), name=name, schema_name=f"t_{identity}", created_at=timezone.now()
        )
        tenant.save(force_insert=True)
        return tenant


@pytest.mark.django_db
def test_the_snapshot_is_what_the_migrations_make() -> None:
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute('CREATE SCHEMA "t_migrated"')
    migrations.migrate("t_migrated", "migrated")
    recorded = make_row()
    provision.create(recorded)
    migrated, provisioned = catalogue("t_migrated"), catalogue(recorded.schema_name)
    assert provisioned == migrated
    assert {row[0] for row in migrated["columns"]} >= {"balancer_pool", "balancer_backend", "balancer_route"}
    assert tuple(sorted(migrated["migrations"])) == migrations.expected()


@pytest.mark.django_db
def test_making_a_schema_takes_few_round_trips(world: World) -> None:
    """Not a timed test: what it costs is statements sent, and the schema is one."""
    tenant = make_row()
    with connection.execute_wrapper(counting := Counting()):
        provision.create(tenant)
    assert counting.calls <= 8


class Counting:
    calls = 0

    def __call__(self, execute: Any, *args: Any) -> Any:
        self.calls += 1
        return execute(*args)


@pytest.mark.django_db
def test_the_template_leaves_nothing_behind(world: World) -> None:
    SchemaSnapshot.objects.all().delete()
    provision.snapshot()
    assert SchemaSnapshot.objects.get().fingerprint == migrations.fingerprint()
    with platform_scope():
        assert not schemas.exists(provision.TEMPLATE)


@pytest.mark.django_db
def test_a_tenant_is_made_whole_or_not_at_all(world: World) -> None:
    before = set(all_schemas())
    with pytest.raises(InvalidField, match="Begin with free"), transaction.atomic():
        tenancy.create(name="Half", plan="nothing", owner=world.owner, now=build.NOW)
    assert set(all_schemas()) == before
    assert not Tenant.objects.filter(name="Half").exists()
    assert Membership.objects.filter(user=world.owner).count() == 1


@pytest.mark.django_db
def test_dropping_takes_the_schema_away(world: World) -> None:
    tenant = build.tenant("Gone")
    provision.drop(tenant)
    assert tenant.schema_name not in all_schemas()


def all_schemas() -> list[str]:
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%'")
        return [name for (name,) in cursor.fetchall()]


def test_a_fleet_that_is_current_is_left_alone(committed: World) -> None:
    assert fleet_migration.migrate_tenants() == fleet_migration.Result(2, 0, 0, ())


def test_only_stale_and_missing_schemas_are_migrated(committed: World) -> None:
    stale = build.tenant("Stale")
    missing = make_row("Missing")
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA "{stale.schema_name}" CASCADE')
        cursor.execute(f'CREATE SCHEMA "{stale.schema_name}"')
        assert {t.slug for t in schemas.stale(migrations.digest(migrations.expected()))} == {"stale", "missing"}
    out = io.StringIO()
    call_command("migrate_fleet", stdout=out)
    assert "Tenants: 4; already current 2, migrated 1, created 1, failed 0." in out.getvalue()
    assert catalogue(stale.schema_name) == catalogue(missing.schema_name) == catalogue(committed.ours.schema_name)


def test_one_that_fails_is_named_and_holds_up_nobody(committed: World) -> None:
    broken, other = make_row("Broken"), make_row("Other")
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{broken.schema_name}"')
        cursor.execute(f'CREATE TABLE "{broken.schema_name}".balancer_pool (stray int)')
    words = io.StringIO()
    with pytest.raises(CommandError, match="Some tenants were not migrated"):
        call_command("migrate", verbosity=0, stderr=words)
    assert words.getvalue().startswith("broken: ")
    assert "balancer_pool" in words.getvalue()
    assert catalogue(other.schema_name) == catalogue(committed.ours.schema_name)
    with platform_scope(), connection.cursor() as cursor:  # corrected, it goes on where it was
        cursor.execute(f'DROP TABLE "{broken.schema_name}".balancer_pool')
    assert fleet_migration.migrate_tenants() == fleet_migration.Result(4, 1, 0, ())


def test_the_librarys_own_command_refuses() -> None:
    with pytest.raises(CommandError, match="migrate_fleet"):
        call_command("migrate_schemas")


def test_who_is_stale_is_one_question_for_all(committed: World) -> None:
    for number in range(3):
        build.tenant(f"More {number}")
    with platform_scope(), connection.execute_wrapper(counting := Counting()):
        assert schemas.stale(migrations.digest(migrations.expected())) == []
    assert counting.calls == 3


@pytest.mark.django_db
def test_tenants_migrations_can_be_replayed_in_one_transaction() -> None:
    """Atomic, and without a foreign key to a shared table, which a sign-up would lock."""
    loader = MigrationLoader(None)
    assert all(loader.disk_migrations[name].atomic for name in migrations.expected())
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conname FROM pg_constraint c JOIN pg_class r ON r.oid = c.confrelid "
            "WHERE c.contype = 'f' AND c.connamespace <> r.relnamespace"
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db
def test_two_of_one_name_get_two_slugs(world: World) -> None:
    first, second = build.tenant("Same Name"), build.tenant("Same Name")
    assert first.slug == "same-name"
    assert second.slug.startswith("same-name-")
    assert User.objects.filter(memberships__tenant=second).exists()
    assert build.tenant("Admin").slug.startswith("admin-")  # a word of ours
    assert build.tenant("日本").slug.startswith("tenant")
