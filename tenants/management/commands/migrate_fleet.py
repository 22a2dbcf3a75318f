"""What a deployment runs: quiet about what is current, clear about what was done."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Migrate the shared tables, then only the tenants' schemas that are not current."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        call_command(
            "migrate", interactive=False, verbosity=options["verbosity"], stdout=self.stdout, stderr=self.stderr
        )
