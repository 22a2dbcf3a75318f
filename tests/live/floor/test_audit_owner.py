"""On a PostgreSQL as `up` runs it: the console's own role cannot change its audit trail."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.live.stack import ROOT, Program, free_port
from veloflux_site.local import accounts, binaries, launch, postgres, servers
from veloflux_site.local.folder import HERE

PASSWORD = "of-the-console"
INSERT = "INSERT INTO tenants_auditentry (tenant_id, at, actor, impersonator, through, act, kind, object_id, name, "
INSERT += "outcome, detail, before, after, request_id, previous, digest) VALUES (%s, now(), 'a@b.test', '', 'session', "
INSERT += "%s, '', '', '', 'done', '', '{}', '{}', '', '', '') RETURNING id"
OLD = INSERT.replace("now()", "now() - interval '60 days'")


@dataclass(frozen=True, slots=True)
class Database:
    cluster: postgres.Cluster
    log: Path

    def url(self, *, superuser: bool = False) -> str:
        who = f"postgres:{self.cluster.password_file.read_text()}" if superuser else f"veloflux:{PASSWORD}"
        return f"postgres://{who}@127.0.0.1:{self.cluster.port}/veloflux"

    def django(self, *words: str) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, "VELOFLUX_DATABASE_URL": self.url(), "DJANGO_SETTINGS_MODULE": "tests.settings"}
        command = [sys.executable, "-m", "veloflux_site.django_command", *words]
        return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)

    def app(self) -> "psycopg.Connection[tuple[object, ...]]":
        """As the console: its role, its search path, the platform's scope."""
        db = psycopg.connect(self.url(), autocommit=True)
        db.execute(
            "SELECT set_config('search_path', 'public, audit', false), set_config('veloflux.tenant', '*', false)"
        )
        return db


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    home = tmp_path_factory.mktemp("postgres")
    account = accounts.choose()
    found = binaries.have(os.environ, folder=HERE)
    cluster = postgres.Cluster(
        found.postgres, account.place(home / "postgres"), account, free_port(), servers.FOR_TESTS
    )
    log = home / "setup.log"
    postgres.initialise(cluster, log=log)
    server = Program("postgres", [*account.wrap, *cluster.server()], launch.common(os.environ), home / "server.log")
    server.start()
    try:
        postgres.wait(cluster, seconds=30, log=log)
        postgres.provide(cluster, role="veloflux", password=PASSWORD, log=log)
        it = Database(cluster, log)
        done = it.django("migrate_fleet", "-v", "0")
        assert done.returncode == 0, done.stderr
        with it.app() as db:
            db.execute(INSERT, ["", "before.owner"])
        postgres.keep_audit(cluster, role="veloflux", log=log)
        yield it
    finally:
        server.kill(signal.SIGINT)
        if cluster.home.parent != home:
            shutil.rmtree(cluster.home.parent, ignore_errors=True)


ATTACKS = [
    "UPDATE tenants_auditentry SET actor = 'nobody'",
    "DELETE FROM tenants_auditentry",
    "TRUNCATE tenants_auditentry",
    "SELECT * FROM tenants_auditentry FOR UPDATE",
    "INSERT INTO tenants_auditentry SELECT * FROM tenants_auditentry ON CONFLICT (id) DO UPDATE SET actor = 'nobody'",
    "MERGE INTO tenants_auditentry a USING tenants_auditentry b ON a.id = b.id WHEN MATCHED THEN DELETE",
    "ALTER TABLE tenants_auditentry DISABLE TRIGGER ALL",
    "ALTER TABLE tenants_auditentry DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE tenants_auditentry OWNER TO veloflux",
    "ALTER TABLE tenants_auditentry DROP COLUMN digest",
    "ALTER TABLE tenants_auditentry SET SCHEMA public",
    "DROP TRIGGER audit_refuse ON tenants_auditentry",
    "CREATE TRIGGER own BEFORE INSERT ON tenants_auditentry FOR EACH ROW EXECUTE FUNCTION audit.audit_refuse()",
    "CREATE RULE own AS ON INSERT TO tenants_auditentry DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION audit.audit_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    "DROP FUNCTION audit.audit_refuse() CASCADE",
    "DROP TABLE tenants_auditentry",
    "DROP SCHEMA audit CASCADE",
    "ALTER SCHEMA audit OWNER TO veloflux",
    "ALTER SCHEMA audit RENAME TO gone",
    "CREATE TABLE audit.other (id int)",
    "SELECT setval('audit.tenants_auditentry_id_seq', 1)",
    "GRANT veloflux_audit TO veloflux",
    "SET ROLE veloflux_audit",
    "SET session_replication_role = replica",
    "REASSIGN OWNED BY veloflux_audit TO veloflux",
    "ALTER ROLE veloflux SUPERUSER",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "INSERT INTO audit_anchor SELECT tenant_id, id, digest FROM tenants_auditentry LIMIT 1",
    "UPDATE audit_anchor SET last_id = 9223372036854775807",
    "DELETE FROM audit_anchor",
    "TRUNCATE audit_anchor",
    "ALTER TABLE audit_anchor DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_anchor_guard ON audit_anchor",
    "CREATE OR REPLACE FUNCTION audit.audit_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    "ALTER FUNCTION audit.audit_forget(text, timestamptz, integer) SET search_path = public",
    "ALTER FUNCTION audit.audit_forget(text, timestamptz, integer) OWNER TO veloflux",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_f16_the_applications_role_cannot_change_the_trail(database: Database, attack: str) -> None:
    with database.app() as db:
        before = db.execute("SELECT md5(string_agg(e::text, '' ORDER BY id)) FROM tenants_auditentry e").fetchone()
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)):
            db.execute(attack)
        assert (
            db.execute("SELECT md5(string_agg(e::text, '' ORDER BY id)) FROM tenants_auditentry e").fetchone() == before
        )
        assert before != (None,)


def test_f16_it_cannot_give_itself_the_right(database: Database) -> None:
    """PostgreSQL answers with a warning: nothing was granted."""
    with database.app() as db:
        db.execute("GRANT ALL ON tenants_auditentry TO veloflux")
        held = [
            right
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
            if db.execute("SELECT has_table_privilege('tenants_auditentry', %s)", [right]).fetchone() == (True,)
        ]
    assert held == ["SELECT", "INSERT"]


def test_f16_it_goes_on_adding_to_one_chain_and_is_verified(database: Database) -> None:
    with database.app() as db:
        for number in range(3):
            db.execute(INSERT, ["dddddddddddd", f"after.{number}"])
    done = database.django("audit_verify", "--tenant", "dddddddddddd")
    assert done.returncode == 0, done.stderr
    assert "unbroken" in done.stdout
    assert "owns the trail" not in done.stderr


def test_f16_the_step_can_be_run_again_and_migrations_too(database: Database) -> None:
    for _ in range(2):
        postgres.keep_audit(database.cluster, role="veloflux", log=database.log)
        done = database.django("migrate_fleet", "-v", "0")
        assert done.returncode == 0, done.stderr
    with database.app() as db:
        assert db.execute(INSERT, ["", "again.run"]).fetchone()
        assert db.execute("SELECT to_regclass('public.tenants_auditentry')").fetchone() == (None,)


def test_f16_what_is_old_goes_by_the_owners_function_alone_and_the_rest_verifies(database: Database) -> None:
    with database.app() as db:
        for number in range(4):
            db.execute(OLD if number < 3 else INSERT, ["eeeeeeeeeeee", f"step.{number}"])
        forgotten = "SELECT audit_forget('eeeeeeeeeeee', now() - interval '30 days 1 minute', 2)"
        assert [db.execute(forgotten).fetchone() for _ in range(3)] == [(2,), (1,), (0,)]
        db.execute(INSERT, ["eeeeeeeeeeee", "step.4"])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("SELECT audit_forget('eeeeeeeeeeee', now(), 1000)")
        left = db.execute("SELECT act FROM tenants_auditentry WHERE tenant_id = 'eeeeeeeeeeee' ORDER BY id").fetchall()
    assert left == [("step.3",), ("step.4",)]
    done = database.django("audit_verify", "--tenant", "eeeeeeeeeeee")
    assert (done.returncode, "unbroken" in done.stdout) == (0, True), done.stderr


def test_f16_a_trail_that_was_moved_by_an_earlier_version_learns_to_forget(database: Database) -> None:
    with psycopg.connect(database.url(superuser=True), autocommit=True) as db:
        db.execute("DROP TRIGGER audit_refuse ON audit.tenants_auditentry")
        db.execute("DROP FUNCTION audit.audit_forget, audit.audit_guard")
        db.execute("DROP TABLE audit.audit_anchor")
        db.execute("DROP FUNCTION audit.audit_anchor_guard")
        db.execute(
            "CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON audit.tenants_auditentry "
            "FOR EACH ROW EXECUTE FUNCTION audit.audit_refuse()"
        )
    # What the application may have left where it may write is not taken over.
    with database.app() as db:
        db.execute("CREATE FUNCTION public.audit_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'")
    postgres.keep_audit(database.cluster, role="veloflux", log=database.log)
    with database.app() as db:
        for number in range(2):
            db.execute(OLD, ["ffffffffffff", f"step.{number}"])
        assert db.execute("SELECT audit_forget('ffffffffffff', now() - interval '31 days', 9)").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("DELETE FROM tenants_auditentry")


def test_f16_a_membership_that_somebody_granted_is_taken_back(database: Database) -> None:
    with psycopg.connect(database.url(superuser=True), autocommit=True) as db:
        db.execute("GRANT veloflux_audit TO veloflux")
    assert "owns the trail" in database.django("audit_verify").stderr
    postgres.keep_audit(database.cluster, role="veloflux", log=database.log)
    with database.app() as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("SET ROLE veloflux_audit")


def test_f16_one_tenants_scope_reads_its_own_after_the_move(database: Database) -> None:
    with database.app() as db:
        for tenant in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
            db.execute(INSERT, [tenant, "own.row"])
        db.execute("SELECT set_config('veloflux.tenant', 'aaaaaaaaaaaa', false)")
        assert db.execute("SELECT DISTINCT tenant_id FROM tenants_auditentry").fetchall() == [("aaaaaaaaaaaa",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute(INSERT, ["bbbbbbbbbbbb", "own.row"])


def test_f16_what_a_superuser_changed_is_found_and_named(database: Database) -> None:
    with database.app() as db:
        ids = [db.execute(INSERT, ["cccccccccccc", f"own.row{n}"]).fetchone() for n in range(3)]
    with psycopg.connect(database.url(superuser=True), autocommit=True) as db:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("DELETE FROM audit.tenants_auditentry WHERE id = %s", ids[1])
        db.execute("SET session_replication_role = replica")
        db.execute("DELETE FROM audit.tenants_auditentry WHERE id = %s", ids[1])
    done = database.django("audit_verify", "--tenant", "cccccccccccc")
    assert done.returncode != 0
    assert ids[2] is not None
    assert f"broken at entry {ids[2][0]}" in done.stderr
