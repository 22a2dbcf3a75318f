"""One owner per host, across the whole service."""

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from balancer.fleet.models import HostClaim
from balancer.models import Route
from tenants import scope
from tenants.errors import Conflict, InvalidField

# Taken in the claiming transaction: two tenants cannot both find `*.x` and `a.x` free.
CLAIM_LOCK = "SELECT pg_advisory_xact_lock(hashtext('host ' || %s))"


def claim(host: str) -> None:
    """Take the host for the tenant of this scope, or raise `Conflict` without a word about whose it is."""
    if host in settings.RESERVED_HOSTS:
        raise InvalidField("host", f"{host} is the console's own; choose a host of yours.", "reserved")
    tenant_id = scope.required().tenant_id
    if HostClaim.objects.filter(host=host, tenant_id=tenant_id).exists():
        return
    site = host.removeprefix("*.")
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_LOCK, [registrable(site)])
    if overlapping(host).exclude(tenant_id=tenant_id).exists():
        raise Conflict(
            f"{host} is in use by another account. If it is yours, ask support to move it.", "host_taken", "/host"
        )
    HostClaim.objects.get_or_create(host=host, defaults={"tenant_id": tenant_id})


def release(host: str) -> None:
    """Give it up with the tenant's last route for it."""
    if not Route.objects.filter(host=host).exists():
        HostClaim.objects.filter(host=host, tenant_id=scope.required().tenant_id).delete()


def registrable(host: str) -> str:
    """What exact hosts and the wildcard above them have in common: the last two labels."""
    return ".".join(host.split(".")[-2:])


def overlapping(host: str) -> QuerySet[HostClaim]:
    """Claims that would answer for some of the same names."""
    claims = HostClaim.objects.filter(host__in=[host, above(host)])
    if host.startswith("*."):
        claims |= HostClaim.objects.filter(host__regex=rf"^[^.]+\.{escaped(host[2:])}$")
    return claims


def above(host: str) -> str:
    _, _, rest = host.removeprefix("*.").partition(".")
    return f"*.{rest}"


def escaped(host: str) -> str:
    return host.replace(".", r"\.").replace("-", r"\-")
