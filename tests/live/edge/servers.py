"""Servers of a test session on one event loop in one thread; what each speaks is its own matter."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Servers:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._servers: list[asyncio.Server] = []

    def listen(
        self, serve: Serve, context: ssl.SSLContext | None = None, *, ip: str = "127.0.0.1", port: int = 0
    ) -> int:
        """The port it was given."""
        return asyncio.run_coroutine_threadsafe(self._listen(serve, context, ip, port), self._loop).result(5)

    async def _listen(self, serve: Serve, context: ssl.SSLContext | None, ip: str, port: int) -> int:
        server = await asyncio.start_server(serve, ip, port, ssl=context)
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()


Kind = TypeVar("Kind", bound=Servers)


@contextmanager
def running(kind: type[Kind]) -> Iterator[Kind]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=kind.__name__.lower(), daemon=True)
    thread.start()
    servers = kind(loop)
    try:
        yield servers
    finally:
        asyncio.run_coroutine_threadsafe(servers.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
