"""Whether this node is in service, leaves it, or is out of it: told by the console, kept on the disk.

Leaving: its readiness path answers 503 and connections close with their answer. Out: it listens on sockets of its own
folder only, so that whoever comes anew is refused, while the worker before finishes what it has.
"""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from balancer.edge import files
from balancer.haproxy.render import NodeSettings

LOOPBACK = "127.0.0.1"  # tenants' own ports, where nobody outside reaches them


class Service(StrEnum):
    IN = "in"
    LEAVING = "leaving"
    OUT = "out"


def kept(folder: Path) -> Service:
    """In, where nothing else was written down."""
    try:
        return Service((folder / "service").read_text().strip())
    except (FileNotFoundError, ValueError):
        return Service.IN


def keep(folder: Path, service: Service) -> None:
    files.write(folder / "service", f"{service}\n", durable=True)


def running(frontends: str) -> Service:
    """What a tree's frontends say."""
    if "/closed-http.sock" in frontends:
        return Service.OUT
    return Service.LEAVING if "option httpclose" in frontends else Service.IN


def settings_for(service: Service, settings: NodeSettings) -> NodeSettings:
    if service is Service.IN:
        return settings
    leaving = replace(settings, leaving=True)
    if service is Service.LEAVING:
        return leaving
    return replace(
        leaving,
        http_bind=_own(settings, "http", settings.http_bind),
        https_bind=_own(settings, "https", settings.https_bind),
        passthrough_bind=_own(settings, "passthrough", settings.passthrough_bind),
        tcp_address=LOOPBACK,
    )


def _own(settings: NodeSettings, name: str, bind: str) -> str:
    return f"unix@{settings.run_folder}/closed-{name}.sock" if bind else ""
