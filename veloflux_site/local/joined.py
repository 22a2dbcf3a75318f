"""A folder that holds one node of a console elsewhere: its programs, its settings, and its ports."""

from collections.abc import Mapping
from pathlib import Path

from veloflux_site.local import environment, private
from veloflux_site.local.environment import Settings
from veloflux_site.local.folder import Folder
from veloflux_site.local.ports import Need
from veloflux_site.local.programs import Program, edge, node
from veloflux_site.local.say import CannotGoOnError

NAME = "me"  # of its folder, whatever the node is called: sockets lie below it, and their paths must be short
PORTS = {
    "VELOFLUX_HTTP_PORT": ("8000", "VELOFLUX_NODE_HTTP_BIND", "HTTP traffic"),
    "VELOFLUX_HTTPS_PORT": ("8443", "VELOFLUX_NODE_HTTPS_BIND", "HTTPS traffic"),
    "VELOFLUX_PASSTHROUGH_PORT": ("8445", "VELOFLUX_NODE_PASSTHROUGH_BIND", "TLS passed through"),
}
# Handed to the node's processes as they are, where somebody set them.
PASSED_ON = ("VELOFLUX_NODE_THREADS", "VELOFLUX_NODE_TUNNEL_SECONDS", "VELOFLUX_NODE_HARD_STOP_SECONDS")


def env_file(folder: Folder) -> Path:
    return folder.node_folders / NAME / "env"


def is_joined(folder: Folder) -> bool:
    return env_file(folder).exists()


def kept(folder: Folder) -> Settings:
    return environment.read(env_file(folder))


def keep(folder: Folder, settings: Mapping[str, str]) -> None:
    """In one step, readable by its owner only."""
    env_file(folder).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private.write(env_file(folder), "".join(f"{name}={value}\n" for name, value in sorted(settings.items())))


def table(folder: Folder) -> dict[str, Program]:
    return {program.name: program for program in (node(folder, NAME), edge(folder, NAME))}


def chosen(before: Mapping[str, str], given: Mapping[str, str], *, haproxy: Path) -> Settings:
    """Where it listens: as given, else as before, else as usual, on all addresses. Raises CannotGoOnError for a port
    that is none."""
    settings: Settings = {"VELOFLUX_HAPROXY": str(haproxy)}
    for setting, (usual, name, _) in PORTS.items():
        port = given.get(setting, "")
        if port and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise CannotGoOnError(f"{setting} is {port!r}; it must be a port, 1 to 65535.")
        settings[name] = f"*:{port}" if port else before.get(name, f"*:{usual}")
    if address := given.get("VELOFLUX_TCP_ADDRESS") or before.get("VELOFLUX_NODE_TCP_ADDRESS"):
        settings["VELOFLUX_NODE_TCP_ADDRESS"] = address
    for name in PASSED_ON:
        if value := given.get(name) or before.get(name):
            settings[name] = value
    return settings


def needs(settings: Mapping[str, str]) -> tuple[Need, ...]:
    return tuple(Need(port_of(settings, name), purpose, setting, "") for setting, (_, name, purpose) in PORTS.items())


def port_of(settings: Mapping[str, str], name: str = "VELOFLUX_NODE_HTTP_BIND") -> int:
    return int(settings[name].rpartition(":")[2])
