"""Whom names are asked of, where the answer's own words matter: records, and how long they hold."""

from urllib.parse import urlsplit

import dns.nameserver
import dns.resolver
from django.conf import settings


def resolver() -> dns.resolver.Resolver:
    """The machine's own, unless `DNS_RESOLVERS` names others. Nothing is remembered between two looks. Raises
    `dns.resolver.NoResolverConfiguration`."""
    if not settings.DNS_RESOLVERS:
        found = dns.resolver.Resolver()
    else:
        found = dns.resolver.Resolver(configure=False)
        found.nameservers = [_server(text) for text in settings.DNS_RESOLVERS]
    found.cache = None
    return found


def _server(text: str) -> dns.nameserver.Nameserver:
    """`10.0.0.2`, `10.0.0.2:5353` or `[2001:db8::1]:53`."""
    parts = urlsplit(f"//{text}")
    return dns.nameserver.Do53Nameserver(str(parts.hostname), parts.port or 53)
