"""Small real origins: each says who it is, can be made ill, and counts what it answered."""

import asyncio

from tests.live.edge.servers import Servers


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


class Origins(Servers):
    def start(self, name: str, *, ip: str = "127.0.0.1", port: int = 0) -> Origin:
        origin = Origin(name)
        origin.port = self.listen(origin.serve, ip=ip, port=port)
        return origin
