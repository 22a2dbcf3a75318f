"""A tenant's own mail server."""

from django.db import models

from tenants.models.tenant import Tenant


class SmtpSecurity(models.TextChoices):
    STARTTLS = "starttls", "STARTTLS"
    TLS = "tls", "TLS"


class SmtpServer(models.Model):
    """`password` is sealed (`tenants.vault`). Without `enabled`, the tenant's mails go by the platform's own server."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="smtp")
    enabled = models.BooleanField(default=True)
    host = models.CharField(max_length=255)
    port = models.PositiveIntegerField(default=587)
    security = models.CharField(max_length=8, choices=SmtpSecurity, default=SmtpSecurity.STARTTLS)
    username = models.CharField(max_length=255, blank=True)
    password = models.TextField(blank=True)
    sender = models.EmailField(max_length=254)
    sender_name = models.CharField(max_length=80, blank=True)
    tested_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("tenant_id",)

    def __str__(self) -> str:
        return f"{self.host} of {self.tenant}"
