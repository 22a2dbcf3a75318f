"""Origins of bytes: each says who it is, then says back what it hears. With TLS, under a certificate of its own."""

import asyncio
import ssl
from pathlib import Path

from tests.live.edge.servers import Servers


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


class Lines(Servers):
    def start(self, name: str, *, pem: Path | None = None, greets: bool = True) -> Line:
        line = Line(name, greets=greets)
        context = None
        if pem is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(pem)
        line.port = self.listen(line.serve, context)
        return line
