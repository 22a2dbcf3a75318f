"""The ports of listeners, for the whole service: one owner for each, out of `settings.TCP_PORTS`.

The primary key decides between two who want the same one at the same moment: the second waits for the first, and gets
none. A node opens only what is claimed, and finds out for itself whether something else on its machine has it
(`edge/ports.py`).
"""

from collections.abc import Collection

from django.conf import settings
from django.db import connection

from balancer.fleet.models import PortClaim
from balancer.models import Listener
from balancer.services import hosts
from tenants import scope
from tenants.errors import Conflict, InvalidField

TAKE = "INSERT INTO fleet_portclaim (port, tenant_id) VALUES (%s, %s) ON CONFLICT (port) DO NOTHING"
FREE = """
SELECT port FROM generate_series(%s::int, %s::int) AS port
WHERE port <> ALL(%s) AND NOT EXISTS (SELECT 1 FROM fleet_portclaim AS claim WHERE claim.port = port.port)
ORDER BY port LIMIT 1
"""


def checked(port: int) -> int:
    """Raise `ValueError` for one that is not to be had by anybody."""
    if port not in settings.TCP_PORTS:
        first, last = settings.TCP_PORTS[0], settings.TCP_PORTS[-1]
        raise ValueError(f"Ports of listeners are from {first} to {last}; leave it empty to be given one.")
    if port in settings.OWN_PORTS:
        raise ValueError(f"Port {port} is the platform's own; leave it empty to be given one.")
    return port


class PortTaken(Conflict):
    def __init__(self, port: int) -> None:
        super().__init__(f"Port {port} is taken. Leave it empty to be given one that is free.", "port_taken", "/port")
        self.port = port


def claim(port: int) -> None:
    """Take it for the tenant of this scope, or raise `PortTaken` without a word about whose it is."""
    tenant_id = scope.required().tenant_id
    if not _took(port, tenant_id) and not PortClaim.objects.filter(port=port, tenant=tenant_id).exists():
        raise PortTaken(port)


def of_others(ports: Collection[int]) -> frozenset[int]:
    """Those that another tenant has by now."""
    there = PortClaim.objects.filter(port__in=ports).exclude(tenant=scope.required().tenant_id)
    return frozenset(there.values_list("port", flat=True)) if ports else frozenset()


def any_free(but: Collection[int] = ()) -> int:
    """The lowest that nobody has, and that is none of `but`. Raise `InvalidField` where there is none."""
    tenant_id = scope.required().tenant_id
    left_out = sorted({*settings.OWN_PORTS, *but})
    while True:
        with connection.cursor() as cursor:
            cursor.execute(FREE, [settings.TCP_PORTS[0], settings.TCP_PORTS[-1], left_out])
            row = cursor.fetchone()
        if row is None:
            raise InvalidField("port", "All ports are taken. Ask support for more.", "no_port_left")
        port: int = row[0]
        if _took(port, tenant_id):
            return port


def in_turn() -> None:
    """Before several are taken in one transaction, and after its hosts: of those who take several there is one at a
    time, so that no two wait for each other in a circle."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('several ports'))")


def claim_all(ports: Collection[int]) -> None:
    if len(ports) > 1:
        in_turn()
    for port in sorted(ports):
        claim(port)


def release_all(ports: Collection[int]) -> None:
    """Give up those that no listener has. Where changes wait, that is when the change is deployed (`releases`)."""
    if hosts.still_served():
        return
    used = set(Listener.objects.filter(port__in=ports).values_list("port", flat=True))
    PortClaim.objects.filter(port__in=set(ports) - used, tenant_id=scope.required().tenant_id).delete()


def _took(port: int, tenant_id: str) -> bool:
    """False where somebody has it, this tenant included. Waits for whoever is just taking it."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [port, tenant_id])
        return bool(cursor.rowcount)
