"""What nodes need to reach a tenant's servers over TLS, sealed."""

from django.db import models

from tenants.ids import new_id
from tenants.models import Tenant


class UpstreamFile(models.Model):
    """A file of PEM: an authority's certificates, or a client certificate with its key. `name` is the SHA-256 of its
    text, and its name on the nodes; `certificate` that of the client certificate alone, by which the key that belongs
    to it is found again. Kept while the tenant is: any of its revisions may need it.
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=64)
    certificate = models.CharField(max_length=64, blank=True)
    sealed = models.TextField()

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=["tenant", "name"], name="upstream_file_once"),)

    def __str__(self) -> str:
        return self.name
