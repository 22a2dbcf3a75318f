"""A place in a tenant that is offered to an e-mail address."""

import hashlib

from django.db import models

from tenants.ids import new_id
from tenants.models.tenant import Tenant
from tenants.models.user import User
from tenants.roles import Role


class Invitation(models.Model):
    """Good once, until it expires or is revoked. Only the digest of the mail's token is kept."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=12, choices=[(role.value, role.value) for role in Role])
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="invitations_sent")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="invitations_accepted")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            ),
        )

    @property
    def etag(self) -> str:
        state = f"{self.pk}:{self.expires_at}:{self.accepted_at}:{self.revoked_at}"
        return hashlib.sha256(state.encode()).hexdigest()[:20]

    def __str__(self) -> str:
        return f"{self.email} to {self.tenant}"
