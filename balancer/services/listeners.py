"""Create, change and delete listeners; hold each port and each name to one tenant."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from balancer.fleet.models import Act
from balancer.haproxy.listeners import CONNECTIONS_MAX, IDLE_MAX_MS, IDLE_MIN_MS, IDLE_MS, ListenerKind
from balancer.models import Listener
from balancer.models.listeners import PASSTHROUGH, TCP
from balancer.services import domains, edits, hosts, limits, networks, pool_modes, ports, rules
from balancer.services.edits import Changed
from tenants.actor import Actor
from tenants.errors import Conflict, NotFound

OF_TCP_ALONE = ("port", "max_connections", "proxy_protocol", "idle_timeout_ms")
IDLE = "idle_timeout"


@dataclass(frozen=True, slots=True)
class NewListener:
    """`pool` is the id of a pool in mode tcp. `port` None: one is given; `host` is a name passed through's alone."""

    kind: str
    pool: str
    port: int | None = None
    host: str | None = None
    allowed_cidrs: list[str] = field(default_factory=list)
    max_connections: int | None = None
    proxy_protocol: bool = False
    idle_timeout_ms: int = IDLE_MS
    enabled: bool = True
    description: str = ""
    tags: list[str] = field(default_factory=list)


@transaction.atomic
def create(new: NewListener, *, by: Actor, now: datetime) -> Changed[Listener]:
    """Raise `Refused` naming each field, `LimitReached`, or `Conflict` where the port or the name is taken."""
    edits.hold_tenant()
    values = cleaned(asdict(new))
    limits.room_for_listeners()
    _claim(values, None)
    listener = Listener.objects.create(**values, created_at=now, updated_at=now)
    return Changed(listener, edits.record(Act.CREATE, listener, by=by, now=now, after=edits.fields_of(listener)))


@transaction.atomic
def update(listener: Listener, changes: dict[str, Any], *, by: Actor, now: datetime) -> Changed[Listener]:
    """`changes` holds fields of `NewListener`; what it leaves out stays, a port that is left empty too."""
    edits.hold_tenant()
    listener = held(listener)
    before = edits.fields_of(listener)
    here = {name: getattr(listener, "pool_id" if name == "pool" else name) for name in NewListener.__dataclass_fields__}
    wanted = here | changes
    keep_port(wanted, listener)
    values = cleaned(wanted)
    _claim(values, listener)
    for name, value in values.items():
        setattr(listener, name, value)
    listener.updated_at = now
    listener.save()
    _release(before)
    after = edits.fields_of(listener)
    return Changed(listener, edits.record(Act.UPDATE, listener, by=by, now=now, before=before, after=after))


@transaction.atomic
def delete(listener: Listener, *, by: Actor, now: datetime) -> Changed[Listener]:
    edits.hold_tenant()
    listener = held(listener)
    before, gone = edits.fields_of(listener), listener.pk
    listener.delete()
    listener.pk = gone
    _release(before)
    return Changed(listener, edits.record(Act.DELETE, listener, by=by, now=now, before=before))


def keep_port(wanted: dict[str, Any], listener: Listener) -> None:
    """A port that is left empty stays what it is."""
    if wanted["kind"] == TCP and wanted["port"] is None:
        wanted["port"] = listener.port


def held(listener: Listener) -> Listener:
    found = Listener.objects.select_for_update().filter(pk=listener.pk).first()
    if found is None:
        raise NotFound("This listener was deleted in the meantime.")
    return found


def _claim(values: dict[str, Any], there: Listener | None) -> None:
    host, port = values["host"], values["port"]
    if host is not None and (there is None or host != there.host):
        if Listener.objects.filter(host=host).exists():
            raise Conflict(f"A listener for {host} exists already. Change that one.", "listener_taken", "/host")
        domains.require(host)
        hosts.claim(host)
    if values["kind"] == TCP and port is None:
        values["port"] = ports.any_free()
    elif port is not None and (there is None or port != there.port):
        if Listener.objects.filter(port=port).exists():
            raise Conflict(f"A listener on port {port} exists already. Change that one.", "listener_taken", "/port")
        ports.claim(port)


def _release(before: dict[str, Any]) -> None:
    if before["port"] is not None:
        ports.release_all([before["port"]])
    if before["host"]:
        hosts.release(before["host"])


def cleaned(values: dict[str, Any]) -> dict[str, Any]:
    """The model's fields, each by its rule; `pool` becomes `pool_id`."""
    problems, clean = rules.Problems(), dict(values)
    problems.take("kind", rules.one_of, values["kind"], [kind.value for kind in ListenerKind], what="The kind")
    (_of_a_port if values["kind"] == TCP else _of_a_name)(values, clean, problems)
    clean["allowed_cidrs"] = networks.listed("allowed_cidrs", values["allowed_cidrs"], problems)
    clean["description"] = problems.take(
        "description", rules.text, values["description"], most=500, what="A description"
    )
    clean["tags"] = problems.take("tags", rules.tags, values["tags"])
    clean["pool_id"] = clean.pop("pool")
    pool_modes.require_for_listeners(clean["pool_id"], problems)
    problems.raise_any()
    return clean


def _of_a_port(values: dict[str, Any], clean: dict[str, Any], problems: rules.Problems) -> None:
    if values["host"]:
        problems.add("host", "A port takes whatever comes: leave the host empty, or choose tls_passthrough.")
    clean["host"] = None
    if values["port"] is not None:
        clean["port"] = problems.take("port", ports.checked, values["port"])
    most = values["max_connections"]
    problems.take("max_connections", rules.optional_whole, most, least=1, most=CONNECTIONS_MAX, what="The limit")
    what = "The idle timeout in milliseconds"
    idle = values["idle_timeout_ms"]
    problems.take(IDLE, rules.whole, idle, least=IDLE_MIN_MS, most=IDLE_MAX_MS, what=what)


def _of_a_name(values: dict[str, Any], clean: dict[str, Any], problems: rules.Problems) -> None:
    if values["kind"] == PASSTHROUGH and not settings.SHARED_PORTS["tls_passthrough"]:
        problems.add("kind", "TLS is not passed through here: no port is set for it.", "not_available")
    if values["host"]:
        clean["host"] = problems.take("host", rules.host, values["host"])
    else:
        problems.add("host", "Name the host that clients ask for, like db.example.com.", "required")
    usual = NewListener("", "")
    for name in OF_TCP_ALONE:
        if values[name] != getattr(usual, name):
            said = "This is for a port of your own; names share one, with the same settings for all."
            problems.add(IDLE if name == "idle_timeout_ms" else name, said, "not_for_this_kind")
