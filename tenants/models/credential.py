"""What a machine shows instead of a password. Only the digest is kept."""

from django.db import models

from tenants.ids import new_id
from tenants.models.tenant import Tenant
from tenants.models.user import User
from tenants.roles import Role


class ApiKey(models.Model):
    """`vf_<prefix>_<secret>`; the prefix finds the row, the digest (sha256 of the whole key) proves it."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    role = models.CharField(max_length=12, choices=[(role.value, role.value) for role in Role])
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.GenericIPAddressField(null=True, blank=True)
    scopes = models.JSONField(default=list, blank=True)  # verbs (`tenants.roles.Verb`); none: all that the role allows

    class Meta:
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return f"{self.name} (vf_{self.prefix}_…)"

    @property
    def etag(self) -> str:
        """Nothing of a key changes but whether it is revoked; its use is no change."""
        return f"{self.pk}-{'revoked' if self.revoked_at else 'good'}"
