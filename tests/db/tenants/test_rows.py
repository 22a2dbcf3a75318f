"""Shared tables: a tenant's scope sees its own rows, whatever a query forgets to say."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import ProgrammingError, connection, transaction

from balancer.fleet.models import (
    Act,
    Cluster,
    Contents,
    Delivery,
    Deployment,
    DomainProof,
    Drain,
    Edit,
    ImportReport,
    Move,
    NameUse,
    Revision,
    Snapshot,
    Trial,
    UpstreamFile,
)
from balancer.models import Pool
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db
UNDER_POLICY = (
    Edit, Revision, Contents, Snapshot, Deployment, DomainProof, Delivery, Trial, Drain, Move, UpstreamFile, NameUse,
    ImportReport,
)  # fmt: skip


def fill(tenant: Tenant) -> None:
    build.pool(tenant)  # an edit
    deployed = build.deployment(tenant)  # a revision as well
    build.domain(tenant)
    build.import_report(tenant)
    with platform_scope():
        NameUse.objects.create(tenant=tenant, name="app.example.com")
    with platform_scope():
        Contents.objects.create(tenant=tenant, revision=deployed.revision, objects_kept={})
        Delivery.objects.create(tenant=tenant)
        UpstreamFile.objects.create(tenant=tenant, name="a" * 64, sealed="sealed")
        Trial.objects.create(
            tenant=tenant, revision=deployed.revision, node=deployed.node, generation=1, seconds=5, began_at=build.NOW
        )
        Move.objects.create(
            tenant=tenant,
            origin=build.cluster(),
            target=Cluster.objects.create(name=f"to {tenant.pk}"),
            grace_seconds=1,
            began_at=build.NOW,
        )
        Drain.objects.create(tenant=tenant, backend=tenant.pk, name="x", began_at=build.NOW)
        Snapshot.objects.create(
            tenant=tenant, cluster=build.cluster(), generation=build.cluster().snapshots.count() + 1, digest="0" * 32
        )


@pytest.mark.parametrize("model", UNDER_POLICY)
def test_a_scope_sees_its_own_rows_only(world: World, model: type[Edit]) -> None:
    fill(world.ours)
    fill(world.theirs)
    for tenant in (world.ours, world.theirs):
        with tenant_scope(tenant):
            assert {row.tenant_id for row in model.objects.all()} == {tenant.pk}
    with platform_scope():
        assert {row.tenant_id for row in model.objects.all()} == {world.ours.pk, world.theirs.pk}


@pytest.mark.parametrize("model", UNDER_POLICY)
def test_a_scope_changes_and_deletes_its_own_rows_only(world: World, model: type[Edit]) -> None:
    fill(world.theirs)
    with tenant_scope(world.ours):
        assert model.objects.filter(tenant=world.theirs).update(tenant=world.ours) == 0
        assert model.objects.all().delete()[0] == 0
    with tenant_scope(world.theirs):
        assert model.objects.exists()


def test_a_row_for_another_tenant_is_refused(world: World) -> None:
    with tenant_scope(world.ours), pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Edit.objects.create(
            tenant=world.theirs, act=Act.CREATE, kind="pool", object_id="a" * 12, name="x", at=build.NOW
        )


def test_the_applications_role_cannot_pass_by_the_policy(world: World) -> None:
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity ORDER BY 1")
        under = {model._meta.db_table for model in UNDER_POLICY} | {
            "tenants_auditentry",
            "audit_anchor",
        }  # of which rows are only added
        assert {name for (name,) in cursor.fetchall()} == under


def test_every_shared_table_with_a_tenant_is_under_a_policy_or_says_why_not() -> None:
    """A new one must be decided upon."""
    asked_across_tenants = {"fleet_placement", "fleet_hostclaim", "fleet_portclaim"}
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND a.attname = 'tenant_id' "
            "AND c.relname LIKE 'fleet%%' AND NOT c.relrowsecurity"
        )
        assert {name for (name,) in cursor.fetchall()} == asked_across_tenants


def test_content_types_are_shared_so_their_ids_cannot_drift(world: World) -> None:
    """Their cache belongs to the process: with a table for each tenant, one lookup of 1,200 was another tenant's."""
    found = set()
    for tenant in (world.ours, world.theirs):
        ContentType.objects.clear_cache()
        with tenant_scope(tenant):
            found.add(ContentType.objects.get_for_model(Pool).pk)
    assert len(found) == 1
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'django_content_type'")
        assert cursor.fetchall() == [("public",)]
        assert Permission.objects.filter(content_type__app_label="balancer", codename="change_pool").exists()


def test_a_tenants_schema_holds_what_it_configures_and_nothing_else(world: World) -> None:
    """Each table is a catalogue entry per tenant (stack.md 2.3)."""
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [world.ours.schema_name])
        tables = {name for (name,) in cursor.fetchall()}
    assert all(name.startswith(("balancer_", "ai_")) for name in tables - {"django_migrations"})
    assert len(tables) <= 25
