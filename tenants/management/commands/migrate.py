"""Django's `migrate`, for a database of tenants: shared tables first, then every tenant that is not current."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS

from tenants.scope import platform_scope
from tenants.services.schemas.fleet_migration import migrate_tenants

ONLY_SHARED = ("app_label", "plan", "check_unapplied", "fake", "prune")


class Command(migrate.Command):
    help = "Migrate the shared tables and every tenant's schema that is not current."

    def handle(self, *args: Any, **options: Any) -> None:
        with platform_scope():
            super().handle(*args, **options)
        if options.get("database", DEFAULT_DB_ALIAS) != DEFAULT_DB_ALIAS or any(options.get(o) for o in ONLY_SHARED):
            return
        result = migrate_tenants()
        for slug, words in result.failed:
            self.stderr.write(f"{slug}: {words}")
        if options["verbosity"] >= 1:
            self.stdout.write(
                f"Tenants: {result.tenants}; already current {result.current}, migrated {result.migrated}, "
                f"created {result.created}, failed {len(result.failed)}."
            )
        if result.failed:
            raise CommandError(
                "Some tenants were not migrated. Correct the cause and run this again: it goes on there."
            )
