"""Origins of bytes: each says who it is, then says back what it hears. With TLS, under a certificate of its own."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread


class Line:
    """Counts the connections that were opened to it; `heard` is what came first on each."""

    def __init__(self, name: str, *, greets: bool = True) -> None:
        self.name, self.greets = name, greets
        self.port = 0
        self.opened = 0
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            if self.greets:
                writer.write(f"{self.name}\n".encode())
                await writer.drain()
            first = True
            while chunk := await reader.read(65_536):
                if first:
                    self.heard.append(chunk)
                    first = False
                writer.write(chunk)
                await writer.drain()
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()


class Lines:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._servers: list[asyncio.Server] = []

    def start(self, name: str, *, pem: Path | None = None, greets: bool = True) -> Line:
        line = Line(name, greets=greets)
        context = None
        if pem is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(pem)
        line.port = asyncio.run_coroutine_threadsafe(self._start(line, context), self._loop).result(5)
        return line

    async def _start(self, line: Line, context: ssl.SSLContext | None) -> int:
        server = await asyncio.start_server(line.serve, "127.0.0.1", 0, ssl=context)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()


@contextmanager
def running_lines() -> Iterator[Lines]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="lines", daemon=True)
    thread.start()
    lines = Lines(loop)
    try:
        yield lines
    finally:
        asyncio.run_coroutine_threadsafe(lines.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
