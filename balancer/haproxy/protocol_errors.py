"""`show errors`, read without what anybody sent: who broke the protocol, when, and at which byte."""

import re
from dataclasses import dataclass

HEAD = re.compile(r"^\[([^\]]{1,40})\] (frontend|backend) (\S+) \(#-?\d+\): invalid (request|response)")
SERVER = re.compile(r"server (\S+) \(#-?\d+\), event #(\d+)")
POSITION = re.compile(r"error at position (\d+)")


@dataclass(frozen=True, slots=True)
class ProtocolError:
    """`proxy` is the section that noticed; `at` HAProxy's own words for the time; `side` request or response;
    `position` of the first byte that was wrong, None where it does not say. HAProxy keeps the last of each section."""

    proxy: str
    side: str
    at: str
    server: str = ""
    position: int | None = None


def parse_errors(text: str) -> list[ProtocolError]:
    """The lines of the captured bytes, and the client's address, are not even looked at."""
    found: list[tuple[re.Match[str], list[str]]] = []
    for line in text.splitlines():
        if head := HEAD.match(line):
            found.append((head, []))
        elif found:
            found[-1][1].append(line)
    return [_of(head, lines) for head, lines in found]


def _of(head: re.Match[str], lines: list[str]) -> ProtocolError:
    # What was captured stands after the first empty line.
    end = next((n for n, line in enumerate(lines) if not line.strip()), len(lines))
    words = "\n".join(lines[:end])
    server, position = SERVER.search(words), POSITION.search(words)
    name = server[1] if server and server[1] != "<NONE>" else ""
    return ProtocolError(head[3], head[4], head[1], name, int(position[1]) if position else None)
