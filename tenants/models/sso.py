"""A tenant's own OpenID Connect provider, and who its people are here."""

from django.db import models

from tenants.ids import new_id
from tenants.models.tenant import Tenant
from tenants.models.user import User
from tenants.roles import Role


class SsoProvider(models.Model):
    """`client_secret` is sealed (`tenants.vault`). `group_roles` maps a group's name to a role; `allowed_domains` are
    the e-mail domains that may come in, none for all. `metadata` is the provider's discovery document, as fetched at
    `metadata_at`. `saved_by_owner`: what stands here was last saved by an owner, so it may speak for owners. A browser
    is sent to the provider again after `session_hours`."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="sso")
    enabled = models.BooleanField(default=False)
    issuer = models.CharField(max_length=300)
    client_id = models.CharField(max_length=255)
    client_secret = models.TextField(blank=True)
    scopes = models.CharField(max_length=200, default="openid email profile")
    default_role = models.CharField(
        max_length=12, choices=[(role.value, role.value) for role in Role], default=Role.VIEWER
    )
    group_claim = models.CharField(max_length=80, default="groups")
    group_roles = models.JSONField(default=dict)
    allowed_domains = models.JSONField(default=list)
    create_members = models.BooleanField(default=False)
    link_by_email = models.BooleanField(default=False)
    required = models.BooleanField(default=False)
    saved_by_owner = models.BooleanField(default=False)
    session_hours = models.PositiveSmallIntegerField(default=12)
    metadata = models.JSONField(default=dict)
    metadata_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("tenant_id",)

    @property
    def etag(self) -> str | None:
        """Of what was never saved; else it is told by `updated_at`."""
        return "unsaved" if self._state.adding else None

    def __str__(self) -> str:
        return f"{self.issuer} of {self.tenant}"


class SsoIdentity(models.Model):
    """(tenant, issuer, subject) is who somebody is; an e-mail address is only what they are reached by.

    With the tenant in it: a tenant names any issuer it likes, and must not speak for another tenant's people.
    `mapped_role` is what the group map gave at the last sign-in; empty where it gave nothing.
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="sso_identities")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sso_identities")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)
    email = models.EmailField(max_length=254, blank=True)
    mapped_role = models.CharField(max_length=12, blank=True)
    created_at = models.DateTimeField()
    last_sign_in_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("tenant_id", "id")
        constraints = (models.UniqueConstraint(fields=["tenant", "issuer", "subject"], name="sso_identity_once"),)

    def __str__(self) -> str:
        return f"{self.user} at {self.issuer}"
