"""Who owns which host name: one tenant, across the whole service."""

from django.db import models

from tenants.models import Tenant


class HostClaim(models.Model):
    """Made with a tenant's first route for a host, gone with its last. Not under row-level security: it is asked across
    tenants, and only ever answers taken or free."""

    host = models.CharField(primary_key=True, max_length=255)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="hosts")

    class Meta:
        ordering = ("host",)

    def __str__(self) -> str:
        return self.host
