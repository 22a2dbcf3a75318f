"""A customer, its schema, and the hosts its console answers on."""

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

from tenants.ids import new_id


class TenantStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


class Tenant(TenantMixin):
    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=12, choices=TenantStatus, default=TenantStatus.ACTIVE)
    created_at = models.DateTimeField()

    auto_create_schema = False  # services.provision fills it from the template's SQL

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """Its name in HAProxy."""
        return f"t{self.id}"


class Domain(DomainMixin):
    """A host name that the console itself answers on for one tenant. What traffic is routed by lies in `fleet`."""

    class Meta:
        ordering = ("domain",)
