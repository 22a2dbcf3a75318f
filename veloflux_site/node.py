"""The edge's Celery app: one worker beside each HAProxy, with nothing of Django and no way into the database.

celery -A veloflux_site.node worker --pool solo -Q node.<id>.work
    --without-gossip --without-mingle --without-heartbeat
"""

import json
import os
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from celery.signals import setup_logging, worker_ready, worker_shutdown
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from balancer.edge import converge as edge
from balancer.edge import inspection
from balancer.edge.acl import queue_of
from balancer.edge.errors import EdgeError
from balancer.edge.listener import Listener
from balancer.edge.message import BadMessage, Message
from balancer.edge.node import Node
from balancer.edge.report import Report, TenantOutcome, TenantReport
from balancer.edge.settings import NodeEnvironment
from balancer.edge.signing import BadSignature, sign, verify
from balancer.edge.stats import Reader
from balancer.edge.telling import Lacking
from veloflux_site.logs import configure_logging
from veloflux_site.workers import PromptCelery

MOST_BATCHES = 60  # of lines, of all nodes, that wait for the console
LINES_EXPIRE_S = 60
LOST_S = 10.0  # after which a reload that was asked for, and did not come, is asked for again
RETRY: dict[str, Any] = {"retry": True, "retry_policy": {"max_retries": 2, "interval_start": 0, "interval_step": 0.2}}

OF_TENANTS = ("tenant", "outcome", "generation", "reason", "words", "request_ids")  # of their reports, in the log

T = TypeVar("T")
log = structlog.get_logger(__name__)
environment = NodeEnvironment.from_environ(os.environ)
prefix = f"node.{environment.id}."
app = PromptCelery("veloflux-node")
app.conf.update(
    broker_url=environment.broker_url,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        # Its Redis user has no other keys (`balancer.edge.acl`).
        "unacked_key": f"{prefix}unacked",
        "unacked_index_key": f"{prefix}unacked_index",
        "unacked_mutex_key": f"{prefix}unacked_mutex",
        "priority_steps": [0],
        "visibility_timeout": 300,
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
        "socket_keepalive": True,
    },
    accept_content=["json"],
    task_ignore_result=True,
    task_default_queue=queue_of(environment.id),
    task_publish_retry=False,
    worker_enable_remote_control=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
)


@lru_cache(maxsize=1)
def node() -> Node:
    """Made when the worker first needs it: importing this module touches no disk."""
    return Node(environment)


@lru_cache(maxsize=1)
def reader() -> Reader:
    return Reader(node(), send=_send_status, repair=lambda why: _ask("node.repair", [why]))


def _understood(body: str, signature: str, read: Callable[..., T]) -> T | None:
    try:
        verify(environment.key, body, signature)
        return read(body, node=environment.id)
    except (BadSignature, BadMessage) as error:
        log.warning("message refused", error=str(error))
        return None


@app.task(name="node.converge")
def converge(body: str, signature: str) -> None:
    """Bring the node to what the body says, or look again where it says nothing new."""
    if (message := _understood(body, signature, Message.from_body)) is not None:
        _work("converge", lambda: edge.converge(node(), message))


@app.task(name="node.look")
def look(body: str, signature: str) -> None:
    """Tell what HAProxy has of one tenant. Nothing is changed; what fails is not tried again: somebody waits."""
    if (question := _understood(body, signature, inspection.Question.from_body)) is None:
        return
    try:
        answer = inspection.look(node(), question)
    except EdgeError as error:
        log.warning("not looked", error=str(error))
    else:
        _tell("balancer.tasks.looked", "status", answer)


@app.task(name="node.read")
def read(body: str, signature: str) -> None:
    """Read HAProxy's counters now, for somebody who does not want to wait a second."""
    if _understood(body, signature, inspection.asked_to_read):
        reader().read_at_once()


@app.task(name="node.tell_again")
def tell_again(body: str, signature: str) -> None:
    """Something of what was told about servers did not arrive."""
    if (lacking := _understood(body, signature, Lacking.from_body)) is not None:
        reader().tell_again(lacking.run, lacking.after)


@app.task(name="node.reload")
def reload() -> None:
    """The gathered reload."""
    node().reload_asked_until = 0.0
    _work("reload", lambda: edge.reload(node()))


@app.task(name="node.resume")
def resume() -> None:
    """Go on with what had to wait: a removed server that still answered requests, an HAProxy that did not answer."""
    node().resume_asked_until = 0.0
    _work("resume", lambda: edge.resume(node()))


@app.task(name="node.repair")
def repair(why: str) -> None:
    """Look at everything again."""
    log.info("looking again", why=why)
    _work("repair", lambda: edge.repair(node()))


def _work(what: str, work: Callable[[], Report]) -> None:
    """Do it, tell the console, and ask ourselves for what is left. What fails is tried again by the console's sweep."""
    start = time.perf_counter()
    try:
        report = work()
    except EdgeError as error:
        log.warning("not done", work=what, error=str(error))
        return
    ms = round((time.perf_counter() - start) * 1000, 2)
    log.info(what, outcome=report.outcome, generation=report.generation, ms=ms, tenants=len(report.tenants))
    for tenant in report.tenants:
        if what in ("converge", "reload") or tenant.outcome is not TenantOutcome.LIVE:
            _log_tenant(what, tenant)
    _tell("balancer.tasks.report", "reports", report.to_json())
    _ask_for_what_is_left()


def _log_tenant(what: str, tenant: TenantReport) -> None:
    log.info("tenant", work=what, **{name: getattr(tenant, name) for name in OF_TENANTS})


def _ask_for_what_is_left() -> None:
    now = time.monotonic()
    mine = node()
    if mine.reload_due and now >= mine.reload_asked_until:
        delay = mine.reload_delay(now)
        mine.reload_asked_until = now + delay + LOST_S
        _ask("node.reload", [], countdown=delay)
    if (mine.later or mine.store.unsure) and now >= mine.resume_asked_until:
        delay = mine.resume_delay()
        mine.resume_asked_until = now + delay + LOST_S
        _ask("node.resume", [], countdown=delay)


def _tell(name: str, queue: str, body: dict[str, Any]) -> None:
    """Raises nothing: the console asks again for what it did not hear."""
    try:
        _send(name, queue, body)
    except (OperationalError, OSError) as error:
        log.warning("the console was not told, it will ask", task=name, error=str(error))


def _send(name: str, queue: str, body: dict[str, Any], **options: Any) -> None:
    text = json.dumps(body, separators=(",", ":"))
    # No declaration: it would write a binding, and the broker's list is all that is needed.
    arguments = [environment.id, text, sign(environment.key, text)]
    app.send_task(name, args=arguments, queue=queue, declare=[], **RETRY, **options)


def _send_status(body: dict[str, Any]) -> None:
    """Raises OSError when the broker is away."""
    try:
        _send("balancer.tasks.observe", "status", body)
    except OperationalError as error:
        raise ConnectionError(str(error)) from error


def _send_lines(body: dict[str, Any]) -> None:
    """Lines are worth something while they are new, and no room when nobody takes them. Raises OSError."""
    try:
        with app.connection_for_write() as connection:
            channel: Any = connection.default_channel  # of Redis, which has a client
            waiting = channel.client.llen("logs")
        if waiting >= MOST_BATCHES:
            raise ConnectionError("nobody takes them")
        _send("balancer.tasks.keep_lines", "logs", body, expires=LINES_EXPIRE_S)
    except (OperationalError, RedisError) as error:
        raise ConnectionError(str(error)) from error


def _ask(name: str, args: list[str], *, countdown: float = 0.0) -> None:
    try:
        app.send_task(name, args=args, queue=queue_of(environment.id), declare=[], countdown=countdown, **RETRY)
    except (OperationalError, OSError) as error:
        log.warning("not asked", task=name, error=str(error))


_threads: list[Reader | Listener] = []


@setup_logging.connect
def _log(**_: Any) -> None:
    configure_logging(level="INFO")


@worker_ready.connect
def _start(**_: Any) -> None:
    """What was left undone, or happened while nobody was here, is found by looking."""
    _ask("node.repair", ["the worker started"])
    for thread in (reader(), Listener(environment.log_socket, environment.id, send=_send_lines)):
        thread.start()
        _threads.append(thread)


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    while _threads:
        _threads.pop().stop()
