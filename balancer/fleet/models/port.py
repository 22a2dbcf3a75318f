"""Who has which port: one tenant, across the whole service."""

from django.db import models

from tenants.models import Tenant


class PortClaim(models.Model):
    """Made with a listener, gone with it. Not under row-level security, as host claims are: it is asked across tenants,
    and only ever answers taken or free."""

    port = models.PositiveIntegerField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="ports")

    class Meta:
        ordering = ("port",)

    def __str__(self) -> str:
        return str(self.port)
