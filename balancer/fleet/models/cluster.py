"""Clusters, their nodes, and which tenant is served where."""

from datetime import datetime

from django.db import models
from django.db.models.functions import Now

from tenants.ids import new_id
from tenants.models import Tenant


class Cluster(models.Model):
    """Nodes that carry the same snapshots.

    `generation` counts the snapshots ever taken on it. It is raised under the row's lock, held until commit, so that
    a node which has reported generation n has been sent every snapshot up to n.
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    name = models.CharField(max_length=40, unique=True)
    is_default = models.BooleanField(default=False)
    generation = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_cluster"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Outcome(models.TextChoices):
    """What a node said last."""

    NEVER = "never", "Never reported"
    CONVERGED = "converged", "Converged"
    RELOAD_DUE = "reload_due", "Reload due"
    BEHIND = "behind", "Behind"
    FAILED = "failed", "Failed"


class Service(models.TextChoices):
    """As `balancer.edge.service` has it."""

    IN = "in", "In service"
    LEAVING = "leaving", "Leaving"
    OUT = "out", "Out of service"


JOINED = models.Q(joined_at__isnull=False)  # the others were announced, and nobody has come


class Node(models.Model):
    """One HAProxy. `service` is what it shall be, `service_seen` what it said it is; `out_at`: when it goes from
    leaving to out. `generation` is the newest it has reported, `asked_generation` the newest it was sent;
    `heartbeat_at` is the last word from it, `reported_at` the node's own clock (epoch seconds) at its newest report.

    `join_digest` is SHA-256 of the one-time key that its first, or its next, key is fetched with until `join_until`.
    `key_heard_at`: since when it speaks with `key`; `old_key` counts beside it until a moment after that. With each key
    goes a user of Redis's, told apart by the key's number. `refused_at`: when somebody last spoke in its name with
    another key. `cordoned_at`: nothing new is entrusted to it since.
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="nodes")
    name = models.SlugField(max_length=40, unique=True)
    key = models.TextField()  # sealed (`tenants.vault`); `services.nodes.key_of` opens it
    generation = models.PositiveBigIntegerField(default=0)
    asked_generation = models.PositiveBigIntegerField(default=0)
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.NEVER)
    words = models.TextField(blank=True)
    version = models.CharField(max_length=40, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.FloatField(default=0)
    asked_at = models.DateTimeField(null=True, blank=True)
    service = models.CharField(max_length=8, choices=Service, default=Service.IN, db_default=Service.IN)
    service_seen = models.CharField(max_length=8, choices=Service, default=Service.IN, db_default=Service.IN)
    out_at = models.DateTimeField(null=True, blank=True)
    joined_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    join_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    join_until = models.DateTimeField(null=True, blank=True)
    key_since = models.DateTimeField(null=True, blank=True, db_default=Now())
    key_heard_at = models.DateTimeField(null=True, blank=True)
    key_number = models.PositiveIntegerField(default=1, db_default=1)
    old_key = models.TextField(blank=True, default="", db_default="")  # sealed
    old_key_number = models.PositiveIntegerField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)
    cordoned_at = models.DateTimeField(null=True, blank=True)
    cordon_reason = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        ordering = ("name",)
        indexes = (models.Index(fields=["join_digest"], condition=~models.Q(join_digest=""), name="node_by_join"),)

    def __str__(self) -> str:
        return self.name

    @property
    def etag(self) -> str:
        """Of what staff decide; what it says of itself changes by the second."""
        decided = (self.service, self.key_number, _seconds(self.cordoned_at), _seconds(self.join_until))
        return "-".join([self.pk, *map(str, decided)])


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0


class Placement(models.Model):
    """Which cluster serves a tenant."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="placement")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="placements")

    class Meta:
        ordering = ("tenant_id",)

    def __str__(self) -> str:
        return f"{self.tenant} on {self.cluster}"
