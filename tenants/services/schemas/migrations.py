"""Bring a tenant's schema to what the code expects; say what that is."""

import hashlib
from functools import cache
from inspect import getsourcefile
from pathlib import Path
from sys import modules

import django
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from tenants.scope import Scope, scoped

Name = tuple[str, str]


@cache
def expected() -> tuple[Name, ...]:
    """Every migration that a tenant's schema records: those of the tenants' apps, and what they stand on."""
    loader = MigrationLoader(None)
    found: set[Name] = set()
    for target in targets(loader):
        found.update((app, name) for app, name in loader.graph.forwards_plan(target))
    return tuple(sorted(found))


def targets(loader: MigrationLoader) -> list[Name]:
    labels = {apps.get_app_config(name.rpartition(".")[2]).label for name in settings.TENANT_APPS}
    return sorted(node for node in loader.graph.leaf_nodes() if node[0] in labels)


def digest(names: tuple[Name, ...]) -> str:
    """As PostgreSQL computes it in `queries.schemas`."""
    return hashlib.md5(",".join(f"{app}.{name}" for app, name in names).encode(), usedforsecurity=False).hexdigest()


@cache
def fingerprint() -> str:
    """Of the code itself: an edited migration, or another Django, makes other SQL."""
    sums = [django.get_version(), digest(expected())]
    loader = MigrationLoader(None)
    for name in expected():
        source = getsourcefile(modules[type(loader.disk_migrations[name]).__module__])
        sums.append(hashlib.sha256(Path(str(source)).read_bytes()).hexdigest())
    return hashlib.sha256("\n".join(sums).encode()).hexdigest()


def migrate(schema: str, tenant_id: str) -> int:
    """Apply what this schema lacks, each migration in its own transaction; answer how many."""
    with scoped(Scope(schema, tenant_id)):
        executor = MigrationExecutor(connection)
        wanted = targets(executor.loader)
        plan = executor.migration_plan(wanted)
        executor.migrate(wanted, plan)
        return len(plan)
