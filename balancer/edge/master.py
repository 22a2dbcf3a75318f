"""The master CLI: which processes there are, and the order to load the configuration again."""

import re
import socket
import time
from pathlib import Path

from balancer.edge.errors import CommandRejected, NodeUnreachable, UnexpectedReply
from balancer.haproxy.show import Processes, UnexpectedText, parse_proc

END = "\n\n"  # of every reply
SUCCESS = re.compile(r"Success=([01])")


class Master:
    def __init__(self, path: Path, *, timeout: float = 5.0) -> None:
        self.path = path
        self.timeout = timeout

    def processes(self) -> Processes:
        """Raises NodeUnreachable, as it does while the master executes itself anew during a reload."""
        reply = self._ask("show proc", self.timeout)
        if not reply:
            raise NodeUnreachable("The node's master socket: no answer.")
        if not reply.endswith(END):  # half of the processes would look like workers that are gone
            raise NodeUnreachable("The node's master socket: an answer that was cut short.")
        try:
            return parse_proc(reply)
        except UnexpectedText as error:
            raise UnexpectedReply("show proc", reply) from error

    def reload(self, *, timeout: float) -> None:
        """Order a reload. 2.6 answers nothing, for success and for failure; later versions answer when it is done.

        Raises CommandRejected with HAProxy's words where it tells, NodeUnreachable when nobody took the order.
        """
        reply = self._ask("reload", timeout)
        told = SUCCESS.search(reply)
        if told and told[1] == "0":
            raise CommandRejected("reload", reply.split("--", 1)[-1].strip())

    def _ask(self, command: str, timeout: float) -> str:
        """Send, half-close, read to the end: 2.6 keeps the connection open otherwise (`components.md 1`)."""
        deadline = time.monotonic() + timeout
        chunks: list[bytes] = []
        sent = False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout)
                connection.connect(str(self.path))
                connection.sendall(f"{command}\n".encode())
                sent = True
                connection.shutdown(socket.SHUT_WR)
                while (chunk := connection.recv(65_536)) and time.monotonic() < deadline:
                    chunks.append(chunk)
        except OSError as error:
            # The master replaces itself on reload: the connection that ordered it may end by a reset.
            if not (sent and command == "reload" and isinstance(error, ConnectionError)):
                raise NodeUnreachable(f"The node's master socket: {error.strerror or error}.") from error
        return b"".join(chunks).decode(errors="replace")
