"""What a node would say, saying only what matters."""

from datetime import UTC, datetime
from typing import Any

from tenants.models import Tenant

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
POOL, OTHER_POOL = "p" + "a" * 12, "p" + "b" * 12
ONE, TWO = "b" + "a" * 12, "b" + "b" * 12


def server(oper: str = "up", **values: Any) -> dict[str, Any]:
    return {
        "oper": oper,
        "admin": "ready",
        "sessions": 1,
        "rate": 2,
        "weight": 100,
        "check": "L7OK",
        "code": 200,
        "check_ms": 3,
        "detail": "",
        "since": NOW.timestamp() - 60,
        "queue": 0,
        **values,
    }


def pool(**values: Any) -> dict[str, Any]:
    return {"sessions": 3, "rate": 4, "queue": 0, "requests": 50, "errors_5xx": 1, "up": 1, "total": 1, **values}


def name(tenant: Tenant, one: str = ONE, of: str = POOL) -> str:
    return f"{tenant.key}/{of}/{one}"


def frame(
    servers: dict[str, Any] | None = None,
    pools: dict[str, Any] | None = None,
    *,
    at: datetime = NOW,
    full: bool = False,
    **values: Any,
) -> dict[str, Any]:
    return {
        "node": "x",
        "at": at.timestamp(),
        "full": full,
        "generation": 7,
        "version": "2.6.12",
        "pid": 1,
        "uptime": 60,
        "sessions": 5,
        "rate": 6,
        "requests": 70,
        "servers": servers or {},
        "pools": pools or {},
        "drift": [],
        **values,
    }
