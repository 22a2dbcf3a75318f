"""The library's own loops over every schema, current or not, and moves connections behind the scope's back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Not used here: see migrate_fleet."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("Use `migrate_fleet`: it knows which tenants are not current.")
