"""Four small origin servers on 127.0.0.1, from the given port on. Each says its name, and counts what it was asked.

`/` its name · `/health` ok · `/slow?seconds=10` a download that trickles for so long · `/count` what it has served.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from urllib.parse import parse_qs, urlsplit

NAMES = ("north", "east", "south", "west")
LONGEST = 600.0  # seconds that a slow download may take
HEAD_LIMIT = 32768  # bytes of request line and headers
IDLE = 75.0  # seconds that a kept-alive connection may wait for its next request
PIECES_PER_SECOND = 10
PIECE = b"." * 1024


@dataclass(slots=True)
class Counts:
    requests: int = 0
    downloads: int = 0
    downloading: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    keep_alive: bool
    length: int

    @classmethod
    def parse(cls, head: bytes) -> "Request":
        """Raises ValueError for what is no HTTP/1.x request."""
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, version = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        asked = headers.get("connection", "").lower()
        keep = asked != "close" if version == "HTTP/1.1" else asked == "keep-alive"
        return cls(method=method, target=target, keep_alive=keep, length=int(headers.get("content-length", "0")))


class Origin:
    def __init__(self, name: str) -> None:
        self.name = name
        self.counts = Counts()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests, one after the other."""
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ConnectionError, ValueError):
            pass  # the other side is gone, or speaks no HTTP: nothing can be said to it
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(IDLE):
            request = Request.parse(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(request.length)
        self.counts.requests += 1
        path = urlsplit(request.target).path
        if path == "/slow":
            await self._slow(request, writer)
        else:
            status, kind, body = self._answer(path)
            writer.write(_head(status, kind, f"Content-Length: {len(body)}", self.name, request.keep_alive))
            writer.write(body if request.method != "HEAD" else b"")
            await writer.drain()
        return request.keep_alive

    def _answer(self, path: str) -> tuple[str, str, bytes]:
        match path:
            case "/health":
                return "200 OK", "text/plain", b"ok\n"
            case "/count":
                return "200 OK", "application/json", json.dumps({"name": self.name} | asdict(self.counts)).encode()
            case _:
                return "200 OK", "text/plain", f"Hello from {self.name}\n".encode()

    async def _slow(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """A kilobyte each tenth of a second, so that a drain has something to wait for."""
        pieces = round(_seconds(request.target) * PIECES_PER_SECOND)
        length = f"Content-Length: {pieces * len(PIECE)}"
        writer.write(_head("200 OK", "application/octet-stream", length, self.name, request.keep_alive))
        if request.method == "HEAD":
            return
        self.counts.downloads += 1
        self.counts.downloading += 1
        try:
            for _ in range(pieces):
                writer.write(PIECE)
                await writer.drain()
                await asyncio.sleep(1 / PIECES_PER_SECOND)
        finally:
            self.counts.downloading -= 1


def _head(status: str, kind: str, length: str, name: str, keep_alive: bool) -> bytes:
    connection = "keep-alive" if keep_alive else "close"
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", length, f"X-Origin: {name}", f"Connection: {connection}")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _seconds(target: str) -> float:
    """How long a slow download was asked to take; 10 s unless said, never more than LONGEST. Raises ValueError."""
    asked = float(parse_qs(urlsplit(target).query).get("seconds", ["10"])[0])
    return min(max(asked, 0.0), LONGEST)


async def main(first: int) -> None:
    ports = dict(enumerate(NAMES, first))
    servers = [
        await asyncio.start_server(Origin(name).serve, "127.0.0.1", port, limit=HEAD_LIMIT)
        for port, name in ports.items()
    ]
    print(f"{time.strftime('%H:%M:%S')} origins {', '.join(f'{name} {port}' for port, name in ports.items())}")
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
