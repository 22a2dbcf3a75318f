"""The lists of pools, of a pool's backends and of routes: their columns, and what each can be narrowed to."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from balancer.console import words
from balancer.console.listing import Column, Listing, listed
from balancer.console.rows import BackendRow, PoolRow

WORST = ("down", "partly", "unknown", "up", "empty")
POOL_STATES: dict[str, Promise] = {
    "down": _("None up"),
    "partly": _("Some down"),
    "up": _("All up"),
    "unknown": _("Unknown"),
    "empty": _("No backends"),
}
POOLS: tuple[Column[PoolRow], ...] = (
    Column("name", _("Pool"), lambda row: row.pool.name.casefold()),
    Column("up", _("Backends up"), lambda row: (WORST.index(row.tone), -row.down)),
    Column("rate", _("Requests/s"), lambda row: row.status.rate, number=True, falls=True),
    Column("sessions", _("Sessions"), lambda row: row.status.sessions, number=True, falls=True),
    Column("queue", _("Queue"), lambda row: row.status.queue, number=True, falls=True),
    Column("routes", _("Routes"), lambda row: row.routes, number=True, falls=True),
)
OPERS = ("down", "stopping", "starting", "unknown", "nocheck", "up")  # worst first
BACKEND_STATES: dict[str, Promise] = {
    **{oper: words.OPER[oper] for oper in ("up", "down", "starting", "nocheck", "unknown")},
    **{admin: words.ADMIN[admin] for admin in ("drain", "maint")},
}
BACKENDS: tuple[Column[BackendRow], ...] = (
    Column("address", _("Address"), lambda row: order_of(row)),
    Column("observed", _("Observed"), lambda row: OPERS.index(row.oper)),
    Column("wanted", _("Wanted"), lambda row: row.backend.admin),
    Column("nodes", _("Nodes")),
    Column("sessions", _("Sessions"), lambda row: row.status.sessions, number=True, falls=True),
    Column("rate", _("Requests/s"), lambda row: row.status.rate, number=True, falls=True),
    Column("weight", _("Weight"), lambda row: row.backend.weight, falls=True),
)
ROUTE_STATES: dict[str, Promise] = {"enabled": _("Enabled"), "disabled": _("Disabled")}
ROUTES: tuple[Column[Mapping[str, Any]], ...] = (
    Column("host", _("Host and path"), lambda row: (row["route"].host, row["route"].path_prefix)),
    Column("does", _("What it does")),
    Column("priority", _("Priority"), lambda row: row["route"].priority, number=True, falls=True),
    Column("up", _("Backends up")),
    Column("state", pgettext_lazy("of a route", "State"), lambda row: not row["route"].enabled),
)


def order_of(row: BackendRow) -> tuple[int, int, str, int]:
    """10.0.0.9 before 10.0.0.10; what has a name comes last."""
    if row.backend.ip is None:
        return 9, 0, row.backend.host or "", row.backend.port
    ip = ip_address(row.backend.ip)
    return ip.version, int(ip), "", row.backend.port


def pools(asked: QueryDict, rows: Iterable[PoolRow]) -> Listing[PoolRow]:
    return listed(
        asked,
        rows,
        columns=POOLS,
        text=lambda row: f"{row.pool.name} {row.pool.description}",
        states=POOL_STATES,
        state_of=lambda row: (row.tone,),
        first="name",
    )


def backends(asked: QueryDict, rows: Iterable[BackendRow]) -> Listing[BackendRow]:
    return listed(
        asked,
        rows,
        columns=BACKENDS,
        text=lambda row: f"{row.backend.address} {row.backend.region} {row.backend.description}",
        states=BACKEND_STATES,
        state_of=lambda row: (row.oper, row.backend.admin),
        first="address",
    )


def routes(asked: QueryDict, rows: Iterable[Mapping[str, Any]]) -> Listing[Mapping[str, Any]]:
    """In the order in which they are asked, unless another is wanted."""
    return listed(
        asked,
        rows,
        columns=ROUTES,
        text=lambda row: f"{row['route']} {row['route'].description} {row['route'].pool or ''}",
        states=ROUTE_STATES,
        state_of=lambda row: ("enabled" if row["route"].enabled else "disabled",),
        first="",
    )


def worst_first(rows: Iterable[PoolRow]) -> list[PoolRow]:
    """What needs somebody, then what is busiest."""
    return sorted(rows, key=lambda row: (WORST.index(row.tone), -row.status.rate, row.pool.name.casefold()))
