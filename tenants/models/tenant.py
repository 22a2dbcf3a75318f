"""A customer, its schema, and the hosts its console answers on."""

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

from tenants.ids import new_id


class TenantStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    DELETED = "deleted", "Deleted"  # and purged when `purge_at` has come


class Tenant(TenantMixin):
    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=12, choices=TenantStatus, default=TenantStatus.ACTIVE)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_reason = models.CharField(max_length=300, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    purge_at = models.DateTimeField(null=True, blank=True)
    second_factor_from = models.DateTimeField(null=True, blank=True)  # members need one from then on; None: no

    auto_create_schema = False  # services.provision fills it from the template's SQL

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """Its name in HAProxy."""
        return f"t{self.id}"


class FormerSlug(models.Model):
    """A name that a tenant had: links with it go on working, and nobody else gets it."""

    slug = models.SlugField(primary_key=True, max_length=40)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="former_slugs")
    until = models.DateTimeField()

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


class Domain(DomainMixin):
    """A host name that the console itself answers on for one tenant. What traffic is routed by lies in `fleet`."""

    class Meta:
        ordering = ("domain",)
