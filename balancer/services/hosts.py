"""One owner per host, across the whole service."""

from collections.abc import Collection

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from balancer.fleet.models import Delivery, Deploy, HostClaim
from balancer.models import Listener, Route
from tenants import scope
from tenants.errors import Conflict, InvalidField

# Taken in the claiming transaction: two tenants cannot both find `*.x` and `a.x` free.
CLAIM_LOCKS = """
SELECT pg_advisory_xact_lock(hashtext('host ' || site)) FROM (SELECT unnest(%s::text[]) AS site ORDER BY 1) AS sites
"""
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


def claim_all(hosts: Collection[str]) -> None:
    """The same for many: a handful of queries, however many there are."""
    tenant_id = scope.required().tenant_id
    for host in sorted(set(hosts) & set(settings.RESERVED_HOSTS)):
        raise InvalidField("host", f"{host} is the console's own; choose a host of yours.", "reserved")
    mine = HostClaim.objects.filter(host__in=hosts, tenant_id=tenant_id).values_list("host", flat=True)
    new = sorted(set(hosts) - set(mine))
    if not new:
        return
    sites = sorted({registrable(host.removeprefix("*.")) for host in new})
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_LOCKS, [sites])
    taken = overlapping_any(new).exclude(tenant_id=tenant_id).values_list("host", flat=True)
    for other in sorted(taken):
        host = next(one for one in new if overlap(one, other))
        raise Conflict(
            f"{host} is in use by another account. If it is yours, ask support to move it.", "host_taken", "/host"
        )
    HostClaim.objects.bulk_create([HostClaim(host=host, tenant_id=tenant_id) for host in new], ignore_conflicts=True)


def release_all(hosts: Collection[str]) -> None:
    if still_served():
        return
    HostClaim.objects.filter(host__in=hosts, tenant_id=scope.required().tenant_id).delete()


def overlapping_any(hosts: Collection[str]) -> QuerySet[HostClaim]:
    claims = HostClaim.objects.filter(host__in=[*hosts, *map(above, hosts)])
    wild = "|".join(escaped(host[2:]) for host in hosts if host.startswith("*."))
    return claims | HostClaim.objects.filter(host__regex=rf"^[^.]+\.({wild})$") if wild else claims


def overlap(one: str, other: str) -> bool:
    """Would both answer for some name?"""
    return one == other or above(one) == other or above(other) == one


def still_served() -> bool:
    """Where changes wait, a host is given up when the change is deployed (`releases.let_go_of_hosts`)."""
    return Delivery.objects.filter(tenant=scope.required().tenant_id, deploy=Deploy.STAGED).exists()


def release(host: str) -> None:
    """Give it up with the tenant's last route or listener for it."""
    if not used(host) and not still_served():
        HostClaim.objects.filter(host=host, tenant_id=scope.required().tenant_id).delete()


def used(host: str) -> bool:
    return Route.objects.filter(host=host).exists() or Listener.objects.filter(host=host).exists()


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
