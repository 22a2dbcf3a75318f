"""Create, change and delete pools."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from balancer.fleet.models import Act
from balancer.haproxy.desired import Algorithm, CheckType
from balancer.haproxy.listeners import Mode
from balancer.haproxy.serving import ProxyProtocol, StickyType
from balancer.models import Pool, Route
from balancer.services import edits, fallbacks, pool_modes, rules, serving_rules
from balancer.services.edits import Changed
from tenants.actor import Actor
from tenants.errors import Conflict, NotFound

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class NewPool:
    """Field by field what `Pool` stores; durations in milliseconds."""

    name: str
    algorithm: str = Algorithm.ROUND_ROBIN.value
    description: str = ""
    tags: list[str] = field(default_factory=list)
    retries: int = 2
    check_type: str = CheckType.HTTP.value
    check_method: str = "GET"
    check_path: str = "/"
    check_host: str = ""
    check_headers: dict[str, str] = field(default_factory=dict)
    check_expected_status: str = "200-399"
    check_interval_ms: int = 5000
    check_timeout_ms: int = 2000
    check_rise: int = 2
    check_fall: int = 3
    check_port: int | None = None
    timeout_connect_ms: int = 5000
    timeout_server_ms: int = 30000
    timeout_queue_ms: int = 5000
    check_expected_body: str = ""
    hash_header: str = ""
    sticky_type: str = StickyType.NONE.value
    sticky_cookie_name: str = ""
    sticky_ttl_ms: int | None = None
    backup_pool: str | None = None  # its id
    max_connections: int | None = None
    max_queue: int | None = None
    slow_start_ms: int | None = None
    error_limit: int | None = None
    retry_on: list[str] = field(default_factory=list)
    tls_enabled: bool = False
    tls_verify: bool = True
    tls_ca: str = ""
    tls_sni: str = ""
    tls_certificate: str = ""
    tls_key: str = ""  # goes into the vault; without it, a certificate keeps the key that it has there
    proxy_protocol: str = ProxyProtocol.NONE.value
    http2: bool = False
    mode: str = Mode.HTTP.value


# Model field → what the API calls it, so that an error points at what was sent.
API_NAMES = {
    **{f"check_{name}": f"health_check.{name}" for name in (
        "type", "method", "path", "host", "headers", "expected_status", "rise", "fall", "port")},
    "check_interval_ms": "health_check.interval",
    "check_timeout_ms": "health_check.timeout",
    "timeout_connect_ms": "timeouts.connect",
    "timeout_server_ms": "timeouts.server",
    "timeout_queue_ms": "timeouts.queue",
}  # fmt: skip


@transaction.atomic
def create(new: NewPool, *, by: Actor, now: datetime) -> Changed[Pool]:
    """Raise `Refused` naming each field, or `Conflict` when the name is taken."""
    edits.hold_tenant()
    values = cleaned(asdict(new))
    refuse_taken_name(values["name"])
    fallbacks.require("", values["backup_pool_id"])
    pool = Pool.objects.create(**values, created_at=now, updated_at=now)
    return Changed(pool, edits.record(Act.CREATE, pool, by=by, now=now, after=edits.fields_of(pool)))


@transaction.atomic
def update(pool: Pool, changes: dict[str, Any], *, by: Actor, now: datetime) -> Changed[Pool]:
    """`changes` holds fields of `NewPool`; what it leaves out stays."""
    edits.hold_tenant()
    pool = held(pool)
    before = edits.fields_of(pool)
    pool_modes.refuse_change(pool, changes.get("mode", pool.mode))
    values = cleaned(values_of(pool) | changes)
    refuse_taken_name(values["name"], but=pool)
    fallbacks.require(pool.pk, values["backup_pool_id"])
    for name, value in values.items():
        setattr(pool, name, value)
    pool.updated_at = now
    pool.save()
    return Changed(pool, edits.record(Act.UPDATE, pool, by=by, now=now, before=before, after=edits.fields_of(pool)))


@transaction.atomic
def delete(pool: Pool, *, by: Actor, now: datetime) -> Changed[Pool]:
    """With its backends. Refused while a route or a listener points at it, or another pool falls back to it."""
    edits.hold_tenant()
    pool = held(pool)
    shared = Q(action__pools__contains=[{"pool": pool.pk}])
    routes = list(Route.objects.filter(Q(pool=pool) | shared).order_by("host", "path_prefix")[:3])
    if routes:
        named = ", ".join(str(route) for route in routes)
        raise Conflict(
            f"The pool {pool.name} still answers for {named}. Point those routes elsewhere or delete them first.",
            "pool_in_use",
        )
    pool_modes.refuse_led_to(pool)
    fallbacks.refuse_needed(pool)
    before, gone = edits.fields_of(pool), pool.pk
    pool.delete()
    pool.pk = gone
    return Changed(pool, edits.record(Act.DELETE, pool, by=by, now=now, before=before))


def values_of(pool: Pool) -> dict[str, Any]:
    """Its fields as `NewPool` has them."""
    found = {name: getattr(pool, name) for name in NewPool.__dataclass_fields__ if name != "backup_pool"}
    return found | {"backup_pool": pool.backup_pool_id}


def held(pool: Pool) -> Pool:
    found = Pool.objects.select_for_update().filter(pk=pool.pk).first()
    if found is None:
        raise NotFound("This pool was deleted in the meantime.")
    return found


def refuse_taken_name(name: str, but: Pool | None = None) -> None:
    others = Pool.objects.filter(name=name)
    if but is not None:
        others = others.exclude(pk=but.pk)
    if others.exists():
        raise Conflict(f"A pool named {name} exists already. Choose another name.", "name_taken", "/name")


def cleaned(values: dict[str, Any]) -> dict[str, Any]:
    """Every field by its rule; raise one `Refused` that names all that is wrong."""
    problems, clean = rules.Problems(), dict(values)

    def take(name: str, rule: Any, *args: Any, **kwargs: Any) -> None:
        clean[name] = problems.take(API_NAMES.get(name, name), rule, values[name], *args, **kwargs)

    take("name", rules.text, least=1, most=80, what="A pool's name")
    take("description", rules.text, most=500, what="A description")
    take("tags", rules.tags)
    take("mode", rules.one_of, [m.value for m in Mode], what="The mode")
    pool_modes.refuse_unfit(values, problems)
    take("retries", rules.whole, least=0, most=10, what="Retries")
    take("check_type", rules.one_of, [c.value for c in CheckType], what="The check's type")
    take("check_method", rules.check_method)
    take("check_path", rules.check_path)
    if values["check_host"]:
        take("check_host", rules.host)
    take("check_headers", rules.check_headers)
    take("check_expected_status", rules.expected_status)
    take("check_interval_ms", rules.whole, least=100, most=HOUR_MS, what="The interval in milliseconds")
    take("check_timeout_ms", rules.whole, least=10, most=HOUR_MS, what="The check's timeout in milliseconds")
    take("check_rise", rules.whole, least=1, most=100, what="Rise")
    take("check_fall", rules.whole, least=1, most=100, what="Fall")
    take("check_port", rules.optional_whole, least=1, most=rules.PORT_MAX, what="The check's port")
    for name in ("timeout_connect_ms", "timeout_server_ms", "timeout_queue_ms"):
        take(name, rules.whole, least=10, most=24 * HOUR_MS, what="A timeout in milliseconds")
    clean |= serving_rules.take(problems, values)
    problems.raise_any()
    del clean["tls_key"]
    clean["backup_pool_id"] = clean.pop("backup_pool") or None
    return clean
