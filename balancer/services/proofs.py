"""Look whether a domain says what we asked it to say. Bounded in time, and never at an address of ours."""

from urllib.parse import urlsplit, urlunsplit

import dns.exception
import dns.resolver
from django.conf import settings

from balancer.fleet.models import DomainProof, ProofMethod
from tenants.outbound import http, waiting
from tenants.outbound.guard import Unreachable
from tenants.outbound.nameservers import resolver

SECONDS = 5.0
MOST_BYTES = 1000


class NotProven(Exception):
    """`sentence` says what was found instead."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def look(proof: DomainProof, method: str) -> None:
    """Raise `NotProven`."""
    by_txt(proof) if method == ProofMethod.DNS else by_http(proof)


def by_txt(proof: DomainProof) -> None:
    name = proof.record_name
    waiting.let_others_ask()
    try:
        found = [b"".join(row.strings) for row in resolver().resolve(f"{name}.", "TXT", lifetime=SECONDS)]
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
        raise NotProven(f"There is no TXT record at {name} yet. A new one may take some minutes to be seen.") from error
    except dns.exception.DNSException as error:
        raise NotProven(f"The name servers of {proof.domain} gave no answer. Try again in a moment.") from error
    if proof.content.encode() not in [text.strip() for text in found]:
        raise NotProven(f"The TXT record at {name} says something else. Add one with the value shown.")


def by_http(proof: DomainProof) -> None:
    try:
        answer = http.get(at_port(proof.url), timeout=SECONDS, most_bytes=MOST_BYTES, accept="text/plain", plain=True)
    except Unreachable as unreachable:
        raise NotProven(unreachable.sentence) from unreachable
    if answer.status != 200:
        raise NotProven(f"{proof.url} answers {answer.status}; it is to answer 200, without a redirect.")
    if answer.body.strip() != proof.content.encode():
        raise NotProven(f"{proof.url} says something else than the text shown.")


def at_port(url: str) -> str:
    """Port 80, but for a test's own server."""
    if settings.DOMAIN_HTTP_PORT == 80:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{settings.DOMAIN_HTTP_PORT}"))
