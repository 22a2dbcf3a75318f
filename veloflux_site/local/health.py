"""Whether it works, asked as a user would: the console's health, and a request through the traffic port."""

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError
from veloflux_site.local.shell import tail
from veloflux_site.local.supervisor import Control, State

HEALTHY = b'{"status":"healthy"}'
DEMO_HOST = "demo.localhost"
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True, slots=True)
class Reply:
    status: int  # 0: nobody answered
    body: bytes = b""


def ask(port: int, path: str, *, host: str, address: str = "127.0.0.1") -> Reply:
    connection = http.client.HTTPConnection(address, port, timeout=3)
    try:
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        return Reply(response.status, response.read(65536))
    except (OSError, http.client.HTTPException):
        return Reply(0)
    finally:
        connection.close()


def console(settings: Mapping[str, str]) -> str:
    """Empty when the console is healthy; else what it says instead."""
    bound = settings["VELOFLUX_CONSOLE_BIND"]
    address = bound if bound not in EVERYWHERE else "127.0.0.1"
    host = urlsplit(settings["VELOFLUX_BASE_URL"]).hostname or "localhost"
    reply = ask(int(settings["VELOFLUX_CONSOLE_PORT"]), "/health", host=host, address=address)
    if (reply.status, reply.body) == (200, HEALTHY):
        return ""
    return f"/health said {reply.status} {reply.body[:80]!r}" if reply.status else "the console does not answer yet"


def traffic(settings: Mapping[str, str]) -> str:
    """Empty when the demo's host answers 200 through node n1."""
    reply = ask(int(settings["VELOFLUX_HTTP_PORT"]), "/", host=DEMO_HOST)
    if reply.status == 200:
        return ""
    return f"{DEMO_HOST} said {reply.status}" if reply.status else "node n1 does not answer yet"


def wait(check: Callable[[], str], *, control: Control, folder: Folder, seconds: float) -> None:
    """Return when the check is content. Raises CannotGoOnError when it is not in time, or a program gave up."""
    deadline = time.monotonic() + seconds
    while reason := check():
        states = control.states()
        given_up = [state for state in states if state.state == "FATAL"]
        if given_up or time.monotonic() > deadline:
            raise CannotGoOnError(
                _explain(reason, given_up or [each for each in states if each.state != "RUNNING"], folder)
            )
        time.sleep(0.15)


def _explain(reason: str, troubled: list[State], folder: Folder) -> str:
    parts = [f"It did not come up: {reason}."]
    for state in troubled:
        log = folder.log / f"{state.name}.log"
        parts.append(f"{state.name} is {state.state.lower()} ({state.words}); its last words ({log}):\n{tail(log)}")
    return "\n".join(parts if troubled else [*parts, f"Every program runs; their logs are in {folder.log}."])
