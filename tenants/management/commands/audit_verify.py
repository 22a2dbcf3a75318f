"""Prove that nothing was changed in the audit trail, or name the first entry that was."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.models import AuditEntry
from tenants.queries import audit_chain, directory
from tenants.scope import platform_scope


class Command(BaseCommand):
    help = "Compute the digests of the audit trail anew, and name the first entry that does not fit."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="slug or id; all, and the platform's own, where none is named")

    def handle(self, *_: Any, **options: Any) -> None:
        with platform_scope():
            if audit_chain.is_ours():
                self.stderr.write(
                    "The application's role owns the trail: only triggers protect it. "
                    "Have a superuser run tenants/postgres/audit_owner.sql."
                )
            walked = list(audit_chain.walk(_tenant(options["tenant"])))
        for one in walked:
            who = one.tenant_id or "platform"
            if one.broken is None:
                self.stdout.write(f"{who}: {one.entries} entries, unbroken; the newest digest is {one.head}")
            else:
                self.stderr.write(f"{who}: broken at entry {one.broken}: {one.why} ({one.entries} before it are good)")
        if any(one.broken is not None for one in walked):
            raise CommandError("The audit trail is not what was written.")


def _tenant(named: str | None) -> str | None:
    """A tenant that is gone still has its trail."""
    if named is None:
        return None
    found = directory.by_name(named)
    if found is None and not AuditEntry.objects.filter(tenant_id=named).exists():
        raise CommandError(f"There is no tenant {named}, and no entry of one.")
    return found.pk if found is not None else named
