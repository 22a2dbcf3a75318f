"""The text of a test: `hdr_beg(host) -i www.`, `path,lower -m end .php`, `src 10.0.0.0/8` (configuration.txt 7.1)."""

import re
from dataclasses import dataclass

from .said import Inexpressible

CALL = re.compile(r"([A-Za-z0-9_.]+)(?:\(([^()]*)\))?")
CONVERTER = re.compile(r",([A-Za-z0-9_.]+)(?:\(([^()]*)\))?")
SUFFIXES = ("beg", "end", "sub", "reg", "dir", "dom", "str")
# Older and shorter names of one fetch.
NAMES = {
    "hdr": "req.hdr", "req.fhdr": "req.hdr", "req.hdr": "req.hdr", "hdr_cnt": "req.hdr_cnt",
    "req.hdr_cnt": "req.hdr_cnt",
    "req.fhdr_cnt": "req.hdr_cnt", "cook": "req.cook", "req.cook": "req.cook", "cook_cnt": "req.cook_cnt",
    "req.cook_cnt": "req.cook_cnt", "url_param": "url_param", "urlp": "url_param", "path": "path", "method": "method",
    "src": "src", "ssl_fc": "ssl_fc", "nbsrv": "nbsrv", "always_true": "always_true", "always_false": "always_false",
    "req.ssl_sni": "req.ssl_sni", "req_ssl_sni": "req.ssl_sni", "req.ssl_hello_type": "req.ssl_hello_type",
    "req_ssl_hello_type": "req.ssl_hello_type",
}  # fmt: skip
CAPITALS = re.compile(r"[0-9]-[a-z]")  # a range that has all capitals in it, though it names none
# Of a host, what takes its port away or its case says nothing more here.
OF_A_HOST = {("lower", ""), ("field", "1,:"), ("word", "1,:"), ("host_only", ""), ("rtrim", ".")}


@dataclass(frozen=True, slots=True)
class Test:
    """`match` as after -m, "" where it is the usual one."""

    fetch: str
    argument: str
    match: str
    fold: bool
    values: tuple[str, ...]


def read(words: tuple[str, ...]) -> Test:
    """Criterion, flags and values. Raise `Inexpressible`."""
    if not words:
        raise Inexpressible("There is nothing asked.")
    fetch, argument, match, converters = _criterion(words[0])
    fold, rest = False, list(words[1:])
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        flag = rest.pop(0)
        if flag == "--":
            break
        if flag == "-i":
            fold = True
        elif flag == "-m" and rest:
            match = rest.pop(0)
        elif flag != "-n":
            raise Inexpressible(f"The flag {flag} cannot be carried: its file is on another machine.")
    host = fetch == "req.hdr" and argument.lower() == "host"
    for one in converters:
        if one == ("lower", ""):
            if any(value != value.lower() for value in rest) and not host:
                raise Inexpressible("It compares what is in lower case with capital letters: it never holds.")
            if match == "reg" and any(CAPITALS.search(value) for value in rest):
                raise Inexpressible("A range over capital letters takes other ones after lower; write the letters.")
            fold = True
        elif not host or one not in OF_A_HOST:
            raise Inexpressible(f"The converter {one[0]} cannot be carried.")
    return Test(fetch, argument, match, fold, tuple(rest))


def _criterion(text: str) -> tuple[str, str, str, list[tuple[str, str]]]:
    call = CALL.match(text)
    if call is None:
        raise Inexpressible("This is no test that is known here.")
    fetch, argument = call[1], (call[2] or "").strip("\"'")
    match = ""
    base, _, suffix = fetch.rpartition("_")
    if suffix in SUFFIXES and base:
        fetch, match = base, "" if suffix == "str" else suffix
    known = NAMES.get(fetch)
    if known is None:
        raise Inexpressible(f"Routes have no condition on {call[1]}.")
    converters, at = [], call.end()
    while at < len(text):
        one = CONVERTER.match(text, at)
        if one is None:
            raise Inexpressible("Its converters cannot be read.")
        converters.append((one[1], (one[2] or "").replace("\\", "").replace('"', "").replace("'", "")))
        at = one.end()
    return known, argument, match, converters


# What needs no `acl` line (configuration.txt 7.4); each is any of these tests.
PREDEFINED: dict[str, tuple[str, ...]] = {
    "FALSE": ("always_false",),
    "TRUE": ("always_true",),
    "HTTP": ("always_true",),
    "LOCALHOST": ("src 127.0.0.1/8 ::1",),
    "METH_CONNECT": ("method CONNECT",),
    "METH_DELETE": ("method DELETE",),
    "METH_GET": ("method GET HEAD",),
    "METH_HEAD": ("method HEAD",),
    "METH_OPTIONS": ("method OPTIONS",),
    "METH_POST": ("method POST",),
    "METH_PUT": ("method PUT",),
    "METH_TRACE": ("method TRACE",),
    "WAIT_END": ("always_true",),
}
