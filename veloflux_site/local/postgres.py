"""A PostgreSQL cluster of our own, and in it a role that owns its database and nothing else.

The superuser exists for this module only: its password never reaches the console, whose role must stay bound by
row-level security.
"""

import os
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from veloflux_site.local import private
from veloflux_site.local.accounts import Account
from veloflux_site.local.say import CannotGoOnError
from veloflux_site.local.shell import run

SAFE = ("jit=off",)
# Only for tests, whose data is thrown away: a crash of the machine may lose all of it.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
SUPERUSER = "postgres"
AUDIT_OWNER = Path(__file__).resolve().parents[2] / "tenants" / "postgres" / "audit_owner.sql"


@dataclass(frozen=True, slots=True)
class Cluster:
    bin: Path
    home: Path  # as the account reaches it; holds `data` and `superuser`
    account: Account
    port: int
    options: tuple[str, ...] = SAFE

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def password_file(self) -> Path:
        return self.home / "superuser"

    def server(self) -> list[str]:
        """The command that runs the server, until SIGINT. It listens on loopback only, and on no unix socket."""
        options = (f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *self.options)
        settings = [part for option in options for part in ("-c", option)]
        return [str(self.bin / "postgres"), "-D", str(self.data), *settings]


def data_version(home: Path) -> str:
    """The major version that wrote the data; empty where there is none yet."""
    note = home / "data" / "PG_VERSION"
    return note.read_text().strip() if note.exists() else ""


def initialise(cluster: Cluster, *, log: Path) -> bool:
    """Make the cluster if it is not there. An initdb that was cut short is begun anew. Says whether it made one."""
    if (cluster.home / "complete").exists():
        return False
    shutil.rmtree(cluster.data, ignore_errors=True)
    cluster.account.give(cluster.home)
    private.write(cluster.password_file, secrets.token_urlsafe(32), owner=cluster.account.owner)
    run(
        [
            *cluster.account.wrap,
            *(cluster.bin / "initdb", "-D", cluster.data, "-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8"),
            *("--locale=C.UTF-8", f"--pwfile={cluster.password_file}"),
        ],
        doing="Making the PostgreSQL cluster",
        log=log,
        env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"},
        cwd=cluster.home if cluster.account.owner else None,
    )
    (cluster.home / "complete").touch()
    return True


def wait(cluster: Cluster, *, seconds: float, log: Path) -> None:
    """Return when it answers a query. Raises CannotGoOnError after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            sql(cluster, "SELECT 1", log=log)
        except CannotGoOnError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def provide(cluster: Cluster, *, role: str, password: str, extra: Sequence[str] = (), log: Path) -> None:
    """Have the role with this password, and a database of its name that it owns. `extra` are role attributes."""
    known = sql(cluster, f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'", log=log)  # noqa: S608 - a name of ours
    attributes = " ".join(("LOGIN NOSUPERUSER NOCREATEROLE NOBYPASSRLS", *(extra or ("NOCREATEDB",))))
    verb = "ALTER" if known else "CREATE"
    sql(cluster, f"{verb} ROLE {role} {attributes} PASSWORD :'password'", log=log, values={"password": password})
    if not sql(cluster, f"SELECT 1 FROM pg_database WHERE datname = '{role}'", log=log):  # noqa: S608 - likewise
        sql(cluster, f"CREATE DATABASE {role} OWNER {role}", log=log)


def keep_audit(cluster: Cluster, *, role: str, log: Path) -> None:
    """Take the audit trail out of the role's hands (idempotent; after the migrations)."""
    sql(cluster, AUDIT_OWNER.read_text(), log=log, values={"app": role}, database=role)


def sql(
    cluster: Cluster,
    statement: str,
    *,
    log: Path,
    values: Mapping[str, str] | None = None,
    database: str = SUPERUSER,
) -> str:
    """Run one statement as the superuser. Values go through psql's environment: no list of processes shows them."""
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PGPASSWORD": cluster.password_file.read_text(),
        "PGCONNECT_TIMEOUT": "5",
        **{f"VALUE_{name}": value for name, value in (values or {}).items()},
    }
    sets = "".join(f"\\getenv {name} VALUE_{name}\n" for name in values or {})
    script = cluster.home / "statement.sql"
    private.write(script, f"{sets}{statement};\n")
    target = ["-h", "127.0.0.1", "-p", str(cluster.port), "-U", SUPERUSER, "-d", database]
    command: list[str | Path] = [
        cluster.bin / "psql",
        *target,
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-f",
        script,
    ]
    return run(command, doing="Asking PostgreSQL", log=log, env=env).strip()
