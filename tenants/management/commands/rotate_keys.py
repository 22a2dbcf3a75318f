"""Seal every secret in the database with the newest key. Safe to stop and to run again, beside a running console."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tenants.actor import SYSTEM
from tenants.scope import platform_scope
from tenants.services import rotation
from tenants.services.trail import audit


class Command(BaseCommand):
    help = "Seal every secret with the first of VELOFLUX_ENCRYPTION_KEYS; afterwards the others can be taken out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail while an older key is in use")

    def handle(self, *_: Any, **options: Any) -> None:
        with platform_scope():
            if options["check"]:
                self._check()
            else:
                self._rotate()

    def _check(self) -> None:
        left = {column: rotation.older(column).count() for column in rotation.columns()}
        for column, count in left.items():
            self.stdout.write(f"{column}: {count} under an older key")
        if any(left.values()):
            raise CommandError("Run rotate_keys before you take an older key out.")

    def _rotate(self) -> None:
        counted = {column: rotation.rotate(column) for column in rotation.columns()}
        for column, count in counted.items():
            self.stdout.write(f"{column}: {count.resealed} sealed anew, {count.current} already were")
            for key in count.unopened:
                self.stderr.write(f"{column} of {key}: no key of VELOFLUX_ENCRYPTION_KEYS opens it")
        after = {str(column): count.resealed for column, count in counted.items() if count.resealed}
        if after:
            audit.record("secrets.rotate", by=SYSTEM, now=timezone.now(), after=after)
        if any(count.unopened for count in counted.values()):
            raise CommandError("Some secrets did not open: bring back the key that sealed them, and run this again.")
