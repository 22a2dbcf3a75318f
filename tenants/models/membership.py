"""Who belongs to which tenant, and as what."""

import hashlib

from django.db import models

from tenants.ids import new_id
from tenants.models.tenant import Tenant
from tenants.models.user import User
from tenants.roles import Role


class Membership(models.Model):
    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=[(role.value, role.value) for role in Role])
    created_at = models.DateTimeField()
    suspended_at = models.DateTimeField(null=True, blank=True)  # has a place, and may not use it

    sso_required = False  # whether its tenant asks for its own sign-in, where `queries.people` was asked

    class Meta:
        ordering = ("tenant_id", "user_id")
        constraints = (models.UniqueConstraint(fields=["tenant", "user"], name="membership_once"),)

    @property
    def etag(self) -> str:
        return hashlib.sha256(f"{self.pk}:{self.role}:{self.suspended_at}".encode()).hexdigest()[:20]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant}"
