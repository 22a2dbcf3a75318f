"""HAProxy's Runtime API over its unix socket, many commands at a time.

The lines of a batch are sent at once in interactive mode and each reply ends in a prompt, so that replies are told
apart whatever they contain: without it some end in one newline and some in two (2.6.12: `New server registered.`
has one), and a payload that is dropped looks like success (`haproxy.md 1.1`). Here it is a missing prompt.
"""

import re
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from balancer.edge.errors import NodeUnreachable

PAYLOAD_BYTES = 12_000  # a payload must fit tune.bufsize (16,384) with its command
BATCH_LINES = 500
BATCH_BYTES = 64_000
PREAMBLE = "prompt\nset severity-output number\n"
PROMPT = b"\n> "
CONTINUED = re.compile(rb"\A(?:\+ )+")


class Runtime:
    """One worker's socket. Connections last for one batch: a reload re-binds the path, and a connection that was
    opened before stays with the old worker (`haproxy.md 1.1`)."""

    def __init__(self, path: Path, *, timeout: float = 5.0) -> None:
        self.path = path
        self.timeout = timeout

    def ask(self, command: str) -> str:
        """The reply to one command, without its prompt. Raises NodeUnreachable."""
        return self.ask_all([command])[0]

    def ask_all(self, commands: Sequence[str]) -> list[str]:
        """A reply for each command, in order; `[3]: …` is an error's shape (severity-output number).

        A payload follows its command after a newline (`with_payload`). Raises NodeUnreachable when any reply is
        missing: what was sent before it may have been acted on.
        """
        return [reply for batch in batches(commands) for reply in self._exchange(batch)]

    def _exchange(self, batch: Sequence[str]) -> list[str]:
        data = self._talk((PREAMBLE + "".join(f"{command}\n" for command in batch)).encode())
        *replies, rest = data.split(PROMPT)
        if len(replies) != len(batch) + 2 or rest:
            raise NodeUnreachable(f"The node answered {max(len(replies) - 2, 0)} of {len(batch)} commands.")
        return [_text(reply) for reply in replies[2:]]

    def _talk(self, data: bytes) -> bytes:
        deadline = time.monotonic() + self.timeout
        chunks: list[bytes] = []
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(self.timeout)
                connection.connect(str(self.path))
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(262_144):
                    chunks.append(chunk)
                    if time.monotonic() > deadline:
                        raise TimeoutError("timed out")
        except OSError as error:
            raise NodeUnreachable(f"The node's socket: {error.strerror or error}.") from error
        # The very first prompt has no reply before it, only the newline that every prompt starts with.
        return b"".join(chunks)


def batches(commands: Sequence[str]) -> Iterator[list[str]]:
    """Cut into what one connection carries."""
    batch: list[str] = []
    size = 0
    for command in commands:
        if batch and (len(batch) >= BATCH_LINES or size + len(command) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(command)
        size += len(command)
    if batch:
        yield batch


def with_payload(command: str, lines: Sequence[str]) -> Iterator[str]:
    """The command once per chunk of lines, each chunk small enough to be taken whole.

    Raises ValueError on a line that would end the payload or start another command.
    """
    chunk: list[str] = []
    size = 0
    for line in lines:
        if not line or "\n" in line or "\r" in line:
            raise ValueError(f"A payload line may not be empty nor hold a line break: {line!r}")
        if chunk and size + len(line.encode()) + 1 > PAYLOAD_BYTES:
            yield _payload(command, chunk)
            chunk, size = [], 0
        chunk.append(line)
        size += len(line.encode()) + 1
    if chunk:
        yield _payload(command, chunk)


def is_error(reply: str) -> bool:
    """Severity 0 to 3: emergency, alert, critical, error (`management.txt 9.3`)."""
    return len(reply) > 3 and reply[0] == "[" and reply[1] in "0123" and reply[2:4] == "]:"


def without_severity(reply: str) -> str:
    return reply[4:].strip() if reply[:1] == "[" and reply[2:4] == "]:" else reply


def _payload(command: str, lines: Sequence[str]) -> str:
    return f"{command} <<\n" + "".join(f"{line}\n" for line in lines)


def _text(reply: bytes) -> str:
    return CONTINUED.sub(b"", reply.lstrip(b"\n")).decode(errors="replace").strip("\n")
