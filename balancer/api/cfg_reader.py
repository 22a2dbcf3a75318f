"""An haproxy.cfg as a document: what of it is a tenant's to have, and the fate of every line."""

from collections.abc import Mapping, Sequence

from django.conf import settings

from balancer.api.documents import Document, Unreadable
from balancer.haproxy.cfg import sections, sites
from balancer.haproxy.cfg.convert import HOSTS_MAX, Converted, convert
from balancer.services import rules
from tenants.errors import InvalidField

NO_HOST = (
    "Its sites answer to any name, and here a site has its own: name the host that they shall have, like "
    "www.example.com, or several with commas between."
)


def read(text: str, named: Sequence[str] = (), files: Mapping[str, str] | None = None) -> Document:
    """`named`: the hosts for sites that name none; `files`: maps that it names. Raise `Unreadable`, or
    `InvalidField` for `host`."""
    try:
        found = convert(text, hosts=hosts(named), ports=is_free_to_have, files=files)
    except sections.Unreadable as error:
        raise Unreadable(str(error)) from error
    except sites.NeedsHost as error:
        raise InvalidField("host", NO_HOST, "required") from error
    return Document(
        list(found.pools),
        list(found.routes),
        notes=notes(found),
        listeners=list(found.listeners),
        told=found.lines,
        where=found.where,
        hosts=found.hosts,
    )


def hosts(named: Sequence[str]) -> list[str]:
    found: dict[str, None] = {}
    for one in (part.strip() for text in named for part in text.split(",")):
        if one:
            try:
                found[rules.host(one)] = None
            except ValueError as error:
                raise InvalidField("host", str(error)) from error
    if len(found) > HOSTS_MAX:
        raise InvalidField("host", f"{HOSTS_MAX} hosts at most.")
    return list(found)


def is_free_to_have(port: int) -> bool:
    """Of those that tenants can have; whether somebody has it already is found when it is claimed."""
    return port in settings.TCP_PORTS and port not in settings.OWN_PORTS


def notes(found: Converted) -> list[str]:
    if not found.asks_host:
        return []
    return [f"Served here are {', '.join(found.hosts)}; for any other host, name it with “host”."]
