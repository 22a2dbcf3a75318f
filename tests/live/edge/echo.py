"""Origins that say what they were asked, and answer as they are told to."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Echo(ThreadingHTTPServer):
    """`asked` counts; `said` are headers of each answer; `wait` holds answers back until it is set; `chunked`: their
    length is not said."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name, self.asked = name, 0
        self.said: dict[str, str] = {}
        self.body, self.status, self.chunked = "", 200, False
        self.wait: threading.Event | None = None

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up does so."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # head and body in one packet: the second of two would wait 40 ms for the first's ACK
    server: Echo

    def do_GET(self) -> None:
        echo = self.server
        echo.asked += 1
        if echo.wait:
            echo.wait.wait(5)
        body = self._body()
        told: dict[str, Any] = {
            "name": echo.name,
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": len(body),
        }
        answer = (echo.body or json.dumps(told)).encode()
        self.send_response(echo.status)
        for name, value in echo.said.items():
            self.send_header(name, value)
        if echo.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            answer = b"%x\r\n%b\r\n0\r\n\r\n" % (len(answer), answer)
        else:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_POST = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = do_PATCH = do_GET  # noqa: N815 - the base class's names

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class has
        pass


@contextmanager
def echoes(*names: str) -> Iterator[list[Echo]]:
    with ExitStack() as stack:
        made = [stack.enter_context(Echo(name)) for name in names]
        for echo in made:
            threading.Thread(target=echo.serve_forever, args=(0.02,), daemon=True).start()
            stack.callback(echo.shutdown)
        yield made
