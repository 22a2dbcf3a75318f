"""Small real origins: each says who it is, can be made ill, and counts what it answered."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Origin:
    """One HTTP/1.1 server with keep-alive on a port of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.requests = 0
        self.well = True
        self.delay_s = 0.0
        self.status = b""  # of what is asked by clients; empty: as it is well
        self.headers = b""
        self.head = b""  # of the last request

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                checked = b"/health" in head.split(b"\r\n", 1)[0]
                self.requests += not checked
                if self.delay_s and not checked:
                    await asyncio.sleep(self.delay_s)
                status = b"200 OK" if self.well else b"500 Ill"
                if not checked:
                    self.head, status = head, self.status or status
                body = self.name.encode()
                writer.write(b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, self.headers, len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()


class Origins:
    """All origins of a test session on one event loop in one thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._servers: list[asyncio.Server] = []

    def start(self, name: str) -> Origin:
        origin = Origin(name)
        future = asyncio.run_coroutine_threadsafe(self._start(origin), self._loop)
        origin.port = future.result(5)
        return origin

    async def _start(self, origin: Origin) -> int:
        server = await asyncio.start_server(origin.serve, "127.0.0.1", 0)
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
def running_origins() -> Iterator[Origins]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="origins", daemon=True)
    thread.start()
    origins = Origins(loop)
    try:
        yield origins
    finally:
        asyncio.run_coroutine_threadsafe(origins.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
