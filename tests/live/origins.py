"""Small origin servers in this process: each answers its own name, and can be told to be ill."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Origin:
    name: str
    healthy: bool = True
    asked: int = 0
    requests: list[str] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        assert self.server is not None
        return int(self.server.server_address[1])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that goes away is no news here."""


def start(name: str, port: int = 0, ip: str = "127.0.0.1") -> Origin:
    origin = Origin(name)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            is_check = self.path.startswith("/health")
            origin.asked += not is_check
            body = name.encode()
            status = "503 Service Unavailable" if is_check and not origin.healthy else "200 OK"
            # In one write: a check that has read the status closes at once.
            self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    origin.server = Server((ip, port), Handler)
    threading.Thread(target=origin.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return origin


@contextmanager
def origins(*names: str) -> Iterator[list[Origin]]:
    started = [start(name) for name in names]
    try:
        yield started
    finally:
        for origin in started:
            origin.stop()
