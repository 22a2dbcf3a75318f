"""Whose a domain is, proven by its DNS or by a file on it. Only a host within a proven domain is routed."""

from django.db import models
from django.db.models import F

from tenants.ids import new_id
from tenants.models import Tenant


class ProofMethod(models.TextChoices):
    DNS = "dns", "DNS"
    HTTP = "http", "HTTP"


class DomainProof(models.Model):
    """`domain` is lower case and stands for all names below it too. A claim without `verified_at` blocks nobody, and is
    gone at `expires_at`. A proven one is looked at again daily: `failing_since` is when it began not to be found,
    `problem` what was seen instead, in a sentence for its people.
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="domain_proofs")
    domain = models.CharField(max_length=253)
    token = models.CharField(max_length=64)
    method = models.CharField(max_length=4, choices=ProofMethod, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("domain", "id")
        constraints = (
            models.UniqueConstraint(fields=["tenant", "domain"], name="domain_claimed_once"),
            models.UniqueConstraint(
                fields=["domain"], condition=models.Q(verified_at__isnull=False), name="domain_has_one_owner"
            ),
        )
        indexes = (models.Index(F("checked_at").asc(nulls_first=True), name="domain_next_to_check"),)

    def __str__(self) -> str:
        return self.domain

    @property
    def state(self) -> str:
        """`pending`, `verified`, or `failing`: still good, and not found the last time."""
        if self.verified_at is None:
            return "pending"
        return "failing" if self.failing_since else "verified"

    @property
    def record_name(self) -> str:
        return f"_veloflux.{self.domain}"

    @property
    def content(self) -> str:
        """What the TXT record, or the file, says. Not the token alone: a site that echoes its paths proves nothing."""
        return f"veloflux-domain={self.token}"

    @property
    def url(self) -> str:
        return f"http://{self.domain}/.well-known/veloflux/{self.token}"
