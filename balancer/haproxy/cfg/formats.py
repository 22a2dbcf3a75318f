"""Texts in which HAProxy puts values (`%[…]`, configuration.txt 8.2.4): ours are fixed, but for a site's own host."""

import re

from .said import Inexpressible

HOSTS = re.compile(r"%\[(?:req\.)?f?hdr\(host\)(?:,lower|,field\(1,:\)|,host_only)*\]", re.IGNORECASE)
WHOLE = re.compile(r"(?:%\[(?:capture\.req\.uri|url|pathq|path,concat\(\?,query\))\])$")
OF_REQUEST = "It puts something of the request in; only fixed text can be set, and the site's own host."


def fixed(text: str) -> str:
    """With `%%` as it is meant. Raise `Inexpressible` where something is put in."""
    found = text.replace("%%", "\0")
    if "%" in found:
        raise Inexpressible(OF_REQUEST)
    return found.replace("\0", "%")


def of_site(text: str, host: str) -> str:
    """With the site's host in its place. Raise `Inexpressible`."""
    if HOSTS.search(text) and host.startswith("*."):
        raise Inexpressible("It says the client's host, which of *.-hosts is another each time.")
    return fixed(HOSTS.sub(host, text))


def ending(text: str) -> tuple[str, bool]:
    """The text before the client's own path and query, and whether they follow it."""
    found = WHOLE.search(text)
    return (text[: found.start()], True) if found else (text, False)
