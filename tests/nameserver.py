"""A name server of a test: real UDP, real messages, and the records that the test puts in."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

TXT, A, AAAA, CNAME = (dns.rdatatype.from_text(kind) for kind in ("TXT", "A", "AAAA", "CNAME"))


class NameServer:
    """All by names without the last dot. `records`: texts; `addresses`: IPs; `aliases`: where a name leads on. A name
    in `silent` gets no answer at all, one in `failing` an error; `asked` counts questions."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.addresses: dict[str, list[str]] = {}
        self.aliases: dict[str, str] = {}
        self.silent: set[str] = set()
        self.failing: set[str] = set()
        self.asked: dict[str, int] = {}
        self.ttl = 60
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, client = self._socket.recvfrom(4096)
            if not data:
                return
            with suppress(dns.exception.DNSException, OSError):
                if (answer := self._answer(dns.message.from_wire(data))) is not None:
                    self._socket.sendto(answer.to_wire(), client)

    def _answer(self, question: dns.message.Message) -> dns.message.Message | None:
        asked = question.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        self.asked[name] = self.asked.get(name, 0) + 1
        if name in self.silent:
            return None
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.AA | dns.flags.RA
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        owner = asked.name
        while name in self.aliases:
            name = self.aliases[name]
            answer.answer.append(dns.rrset.from_text(owner, self.ttl, "IN", CNAME, f"{name}."))
            owner = dns.name.from_text(name)
        if name not in self.records and name not in self.addresses:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        found = self._found(name, asked.rdtype)
        if found:
            answer.answer.append(dns.rrset.from_text(owner, self.ttl, "IN", asked.rdtype, *found))
        return answer

    def _found(self, name: str, kind: dns.rdatatype.RdataType) -> list[str]:
        if kind == TXT:
            return [f'"{text}"' for text in self.records.get(name, [])]
        version = {A: 4, AAAA: 6}.get(kind)
        return [ip for ip in self.addresses.get(name, []) if ip_address(ip).version == version]


@contextmanager
def running() -> Iterator[NameServer]:
    server = NameServer()
    try:
        yield server
    finally:
        server.stop()
