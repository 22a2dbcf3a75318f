"""What may be asked of a running HAProxy, as values that write themselves for the Runtime API.

`lines()` are complete commands, in order, without the newline; `judge` reads the reply to one of them.
Every text on a line has passed `text.cli`, so that a line is one command.
"""

from dataclasses import dataclass
from typing import Protocol

from .desired import AdminState, CheckType, HealthCheck, Server
from .server_line import server_keywords, socket_address
from .serving import PLAIN, Serving
from .text import cli, map_line, name


class Command(Protocol):
    """One wish. Equal values are equal wishes."""

    def lines(self) -> tuple[str, ...]:
        """Write it for the Runtime API. Raises `Unprintable`."""
        ...

    def words(self) -> str:
        """Say it for a person."""
        ...


def _at(proxy: str, server: str) -> str:
    return f"{name(proxy)}/{name(server)}"


@dataclass(frozen=True, slots=True)
class SetWeight:
    proxy: str
    server: str
    weight: int  # 0..256

    def lines(self) -> tuple[str, ...]:
        return (f"set server {_at(self.proxy, self.server)} weight {self.weight:d}",)

    def words(self) -> str:
        return f"{self.proxy}/{self.server}: weight {self.weight}"


@dataclass(frozen=True, slots=True)
class SetAdmin:
    proxy: str
    server: str
    admin: AdminState

    def lines(self) -> tuple[str, ...]:
        return (f"set server {_at(self.proxy, self.server)} state {self.admin.value}",)

    def words(self) -> str:
        return f"{self.proxy}/{self.server}: {self.admin.value}"


@dataclass(frozen=True, slots=True)
class SetAddress:
    proxy: str
    server: str
    address: str
    port: int

    def lines(self) -> tuple[str, ...]:
        return (f"set server {_at(self.proxy, self.server)} addr {cli(self.address)} port {self.port:d}",)

    def words(self) -> str:
        return f"{self.proxy}/{self.server}: address {socket_address(self.address, self.port)}"


@dataclass(frozen=True, slots=True)
class SetMaxConn:
    proxy: str
    server: str
    maximum: int  # 0: no limit

    def lines(self) -> tuple[str, ...]:
        return (f"set maxconn server {_at(self.proxy, self.server)} {self.maximum:d}",)

    def words(self) -> str:
        return f"{self.proxy}/{self.server}: at most {self.maximum or 'any number of'} connections"


@dataclass(frozen=True, slots=True)
class SetCheckPort:
    proxy: str
    server: str
    port: int

    def lines(self) -> tuple[str, ...]:
        return (f"set server {_at(self.proxy, self.server)} check-port {self.port:d}",)

    def words(self) -> str:
        return f"{self.proxy}/{self.server}: checked on port {self.port}"


@dataclass(frozen=True, slots=True)
class ShutSessions:
    """End what is open to a server."""

    proxy: str
    server: str

    def lines(self) -> tuple[str, ...]:
        return (f"shutdown sessions server {_at(self.proxy, self.server)}",)

    def words(self) -> str:
        return f"{self.proxy}/{self.server}: connections ended"


@dataclass(frozen=True, slots=True)
class AddServer:
    """Give a running pool a new server, which gets nothing until it answered `rise` checks (unless `at_once`)."""

    proxy: str
    server: Server
    check: HealthCheck
    at_once: bool = False  # nothing else answers in this pool: believe it until a check says otherwise
    serving: Serving = PLAIN

    def lines(self) -> tuple[str, ...]:
        """Write the safe activation sequence (`haproxy.md` 1.2).

        A server starts in maint with its check paused. In the naive order a dead server is up, and gets
        requests, for up to one check interval: so it is weight 0 until it was told to be down.
        An empty pool has nothing to lose by it, and would answer 503 for `rise` intervals: there, `at_once`.
        """
        server = self.server
        at = _at(self.proxy, server.key)
        checked = self.check.type is not CheckType.NONE
        where = socket_address(server.address, server.port)
        first = f"add server {at} {cli(where)} {server_keywords(server, self.check, self.serving, weight=0)}"
        lines = [first]
        if checked:
            lines.append(f"enable health {at}")
        if server.admin is not AdminState.MAINT:
            lines.append(f"set server {at} state {server.admin.value}")
        if checked and not self.at_once:
            lines.append(f"set server {at} health down")
        lines.append(f"set server {at} weight {server.weight:d}")
        return tuple(lines)

    def words(self) -> str:
        where = socket_address(self.server.address, self.server.port)
        return f"{self.proxy}/{self.server.key}: new at {where}"


@dataclass(frozen=True, slots=True)
class RemoveServer:
    """Take a server out at once, and delete it if nothing holds it any more.

    HAProxy 2.6 deletes servers of the file too, and closes their idle connections. It refuses while requests are
    served ("Server still has connections attached to it"); the server then stays in maint, and whoever looks again
    asks again.
    """

    proxy: str
    server: str
    wait: bool = False  # HAProxy >= 3.0 can give the last requests a moment

    def lines(self) -> tuple[str, ...]:
        at = _at(self.proxy, self.server)
        pause = (f"wait 100ms srv-removable {at}",) if self.wait else ()
        return (f"set server {at} state maint", *pause, f"del server {at}")

    def words(self) -> str:
        return f"{self.proxy}/{self.server}: removed"


@dataclass(frozen=True, slots=True)
class AddMap:
    """Only for a key that is not there: HAProxy would keep both (`haproxy.md` 1.4)."""

    map: str
    key: str
    value: str

    def lines(self) -> tuple[str, ...]:
        map_line(self.key, self.value)
        return (f"add map {cli(self.map)} {cli(self.key)} {cli(self.value)}",)

    def words(self) -> str:
        return f"{self.map}: {self.key} is {self.value}"


@dataclass(frozen=True, slots=True)
class SetMap:
    """Only for a key that is there."""

    map: str
    key: str
    value: str

    def lines(self) -> tuple[str, ...]:
        map_line(self.key, self.value)
        return (f"set map {cli(self.map)} {cli(self.key)} {cli(self.value)}",)

    def words(self) -> str:
        return f"{self.map}: {self.key} is {self.value}"


@dataclass(frozen=True, slots=True)
class DelMap:
    map: str
    key: str

    def lines(self) -> tuple[str, ...]:
        return (f"del map {cli(self.map)} {cli(self.key)}",)

    def words(self) -> str:
        return f"{self.map}: {self.key} is gone"
