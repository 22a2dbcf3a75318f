"""What the names of backends lead to: looked up once for everybody, as long as somebody's backend goes by it."""

from django.db import models
from django.db.models import Q

from tenants.models import Tenant


class Name(models.Model):
    """`addresses`: what was found last, each at its place, "" where one is free (`haproxy.names`); they stay when
    nothing is found any more. `more`: how many it has beyond those that are used. `problem` says what was seen instead,
    since `failing_since`, or that some of what was found is refused. Rows of the platform: whose backends go by it
    stands in `NameUse`.
    """

    name = models.CharField(primary_key=True, max_length=253)
    addresses = models.JSONField(default=list)
    found_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    more = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        indexes = (models.Index(fields=["next_at"], name="name_by_next"),)

    def __str__(self) -> str:
        return self.name

    @property
    def ips(self) -> list[str]:
        return [ip for ip in self.addresses if ip]


class NameUse(models.Model):
    """A tenant has backends that go by the name, in its rows or in what is deployed. `behind`: the name has led
    elsewhere since the tenant's nodes were told. No foreign key to the name: that row comes and goes with its uses."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="names")
    name = models.CharField(max_length=253)
    behind = models.BooleanField(default=False)

    class Meta:
        ordering = ("tenant", "name")
        constraints = (models.UniqueConstraint(fields=["tenant", "name"], name="name_used_once"),)
        indexes = (
            models.Index(fields=["name"], name="name_use_by_name"),
            models.Index(fields=["tenant"], condition=Q(behind=True), name="name_use_behind"),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.tenant_id}"
