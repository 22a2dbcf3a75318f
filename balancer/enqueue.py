"""Work that may be asked for by name, after commit. Messages only make it prompt: the sweep gets there without them."""

import zlib
from functools import partial
from typing import Any

import structlog
from celery import current_app
from kombu.compression import register
from kombu.exceptions import OperationalError

from tenants.taskbase import HEADER

# A restarted broker leaves dead connections: one more try finds a live one. More would make the writer wait.
ONCE_MORE = {"max_retries": 1, "interval_start": 0}

# Which every Celery reads as zlib's; packed at its quickest, for states say the same over and over. JSON, base64 and
# Redis then have a tenth to do. A short message gains nothing.
PACKED = "quick"
WORTH_PACKING = 50_000  # characters
register(partial(zlib.compress, level=1), zlib.decompress, "application/x-gzip", [PACKED])

log = structlog.get_logger(__name__)


def cut(tenant_id: str, *, request_id: str = "") -> None:
    """Ask for the tenant's edits to be gathered into a revision."""
    ask("balancer.tasks.cut", [], queue="control", headers={HEADER: tenant_id, "request_id": request_id})


def watch(tenant_id: str, *, once: bool = False) -> None:
    """Ask for a look at the tenant's trial: in a second, and again until it ends; or once and now, for the sweep."""
    ask("balancer.tasks.watch_trial", [once], queue="control", headers={HEADER: tenant_id}, countdown=0 if once else 1)


def follow(tenant_id: str) -> None:
    """Ask for the tenant's nodes to be told where its names lead now. Expires: whoever looks for names asks again."""
    ask("balancer.tasks.follow_names", [], queue="control", headers={HEADER: tenant_id}, expires=10)


def converge(node_id: str, body: str, signature: str) -> None:
    """Tell a node what it lacks. Expires: a node that was away is told afresh by the sweep."""
    packed = PACKED if len(body) > WORTH_PACKING else None
    ask("node.converge", [body, signature], queue=f"node.{node_id}.work", expires=30, compression=packed)


def look(node_id: str, body: str, signature: str, *, within: float) -> None:
    """Ask a node what it has of a tenant. Expires with the patience of who asks."""
    ask("node.look", [body, signature], queue=f"node.{node_id}.work", expires=within)


def read(node_id: str, body: str, signature: str, *, within: float) -> None:
    """Have a node read HAProxy now. Expires: by then it has read by itself."""
    ask("node.read", [body, signature], queue=f"node.{node_id}.work", expires=within)


def tell_again(node_id: str, body: str, signature: str, *, within: float) -> None:
    """Ask a node for what it told and we did not hear. Expires: while it is missing, it is asked for again."""
    ask("node.tell_again", [body, signature], queue=f"node.{node_id}.work", expires=within)


def ask(
    name: str,
    args: list[Any],
    *,
    queue: str,
    expires: float | None = None,
    headers: dict[str, str] | None = None,
    countdown: float | None = None,
    compression: str | None = None,
) -> None:
    """A broker that is away must not fail the change, which is already committed."""
    try:
        current_app.send_task(
            name,
            args=args,
            queue=queue,
            expires=expires,
            headers=headers,
            countdown=countdown,
            compression=compression,
            retry_policy=ONCE_MORE,
        )
    except (OperationalError, OSError) as error:
        log.warning("not asked, the sweep will", task=name, queue=queue, error=str(error))
