"""The settings of this machine: generated once into `.veloflux/env`, completed from what the caller set.

Three kinds of names. Secrets are random and generated on the first start. Ports have a well-known value. What follows
from those (URLs, paths) is derived again on each start, unless somebody wrote another value: then that one stays.
"""

import base64
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from veloflux_site.local import private
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError

PORTS = {
    "VELOFLUX_CONSOLE_PORT": "9090",
    "VELOFLUX_METRICS_PORT": "8080",
    "VELOFLUX_HTTP_PORT": "8000",
    "VELOFLUX_HTTPS_PORT": "8443",
    "VELOFLUX_HTTP_PORT_2": "8001",
    "VELOFLUX_HTTPS_PORT_2": "8444",
    "VELOFLUX_PASSTHROUGH_PORT": "8445",
    "VELOFLUX_PASSTHROUGH_PORT_2": "8446",
    "VELOFLUX_POSTGRES_PORT": "5433",
    "VELOFLUX_REDIS_PORT": "6380",
}
CHOICES = {
    "VELOFLUX_DEBUG": "false",
    "VELOFLUX_DEMO": "true",
    "VELOFLUX_CONSOLE_BIND": "127.0.0.1",
    # Where the nodes open listeners' ports. Both are on this machine, so that each needs an address of its own.
    "VELOFLUX_TCP_ADDRESS": "127.0.0.1",
    "VELOFLUX_TCP_ADDRESS_2": "127.0.0.2",
    "VELOFLUX_TCP_PORTS": "20000-20999",
    # An address in a private network, on which nodes elsewhere reach Redis too.
    "VELOFLUX_REDIS_BIND": "",
    # The first of four. No port of ours in the sense of OWN_PORTS: the demo tenant's backends are to have them.
    "VELOFLUX_ORIGINS_PORT": "9101",
}
HEADER = """\
# Written by `manage.py up`. Secrets lie here: keep it to yourself. Edit a value, or set it in the environment of
# `manage.py up`, which keeps it here; the next start takes it.
"""
NAME = re.compile(r"VELOFLUX_[A-Z0-9_]+|PROMETHEUS_MULTIPROC_DIR|DJANGO_SETTINGS_MODULE")
# Where this command keeps its own notes, and what belongs to one node only: never settings of the console.
NOT_SETTINGS = re.compile(r"VELOFLUX_(LOCAL|NODE|TEST)_.*")

Settings = dict[str, str]


def new_secrets() -> Settings:
    """Fresh random values for all that is secret. Fernet keys are 32 bytes in URL-safe base64."""
    return {
        "VELOFLUX_SECRET_KEY": secrets.token_urlsafe(48),
        "VELOFLUX_JWT_KEY": secrets.token_urlsafe(48),
        "VELOFLUX_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "VELOFLUX_POSTGRES_PASSWORD": secrets.token_urlsafe(24),
        "VELOFLUX_REDIS_PASSWORD": secrets.token_urlsafe(24),
    }


def derived(settings: Mapping[str, str], *, folder: Folder) -> Settings:
    """What follows from ports, secrets and the place of the project."""
    database = f"veloflux:{settings['VELOFLUX_POSTGRES_PASSWORD']}@127.0.0.1:{settings['VELOFLUX_POSTGRES_PORT']}"
    cache = f":{settings['VELOFLUX_REDIS_PASSWORD']}@127.0.0.1:{settings['VELOFLUX_REDIS_PORT']}"
    return {
        "VELOFLUX_DATABASE_URL": f"postgres://{database}/veloflux",
        "VELOFLUX_REDIS_URL": f"redis://{cache}/0",
        "VELOFLUX_NODES_REDIS_URL": _redis_for_nodes(settings),
        "VELOFLUX_BASE_URL": _url("http", settings["VELOFLUX_CONSOLE_PORT"], default="80"),
        "VELOFLUX_TRAFFIC_URL": _url("http", settings["VELOFLUX_HTTP_PORT"], default="80"),
        "VELOFLUX_ALLOWED_HOSTS": "localhost,127.0.0.1,[::1],.localhost",
        # No tenant's backend may be one of us.
        "VELOFLUX_OWN_PORTS": ",".join(settings[name] for name in PORTS),
        "VELOFLUX_NODES_DIR": str(folder.node_folders),
        "VELOFLUX_LOG_DIR": str(folder.log),
        "VELOFLUX_MAIL_DIR": str(folder.state / "mail"),
        "VELOFLUX_STATIC_ROOT": str(folder.state / "static"),
        "PROMETHEUS_MULTIPROC_DIR": str(folder.run / "prometheus"),
        "DJANGO_SETTINGS_MODULE": "veloflux_site.settings",
    }


def _redis_for_nodes(settings: Mapping[str, str]) -> str:
    """Where nodes elsewhere are told that it is; empty: where the console reaches it."""
    bind = settings["VELOFLUX_REDIS_BIND"]
    host = f"[{bind}]" if ":" in bind else bind
    return f"redis://{host}:{settings['VELOFLUX_REDIS_PORT']}/0" if bind else ""


def _url(scheme: str, port: str, *, default: str) -> str:
    return f"{scheme}://localhost" + ("" if port == default else f":{port}")


def complete(kept: Mapping[str, str], given: Mapping[str, str], *, folder: Folder) -> Settings:
    """All settings: what the caller gave, else what the file kept, else new.

    Raises CannotGoOnError for a port that is none."""
    basis = PORTS | CHOICES | new_secrets()
    before = basis | dict(kept)
    stale = derived(before, folder=folder)
    # A kept value that only said what followed from the others follows them again.
    chosen = {name: value for name, value in kept.items() if value != stale.get(name)}
    settings = basis | chosen | {name: value for name, value in given.items() if is_setting(name)}
    for name in (*PORTS, "VELOFLUX_ORIGINS_PORT"):
        _check_port(name, settings[name])
    return derived(settings, folder=folder) | settings


def is_setting(name: str) -> bool:
    return bool(NAME.fullmatch(name)) and not NOT_SETTINGS.fullmatch(name)


def _check_port(name: str, value: str) -> None:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 65535):
        raise CannotGoOnError(f"{name} is {value!r}; it must be a port, 1 to 65535.")


def parse(text: str) -> Settings:
    """Lines of NAME=value; blank lines and `#` are passed over, quotes around a value are dropped."""
    lines = (line.strip().removeprefix("export ") for line in text.splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): _unquoted(value.strip()) for name, value in pairs}


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def read(path: Path) -> Settings:
    return parse(path.read_text()) if path.exists() else {}


def write(path: Path, settings: Mapping[str, str]) -> None:
    """Replace the file in one step, readable by its owner only."""
    body = HEADER + "".join(f"{name}={_quoted(value)}\n" for name, value in sorted(settings.items()))
    private.write(path, body)


def _quoted(value: str) -> str:
    return f"'{value}'" if re.search(r"[^\w@%+=:,./\[\]-]", value) else value
