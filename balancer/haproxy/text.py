"""Text becomes configuration or a command here, and nowhere else.

Everything refuses what is not printable: a newline would be a new directive, or a second command
(`haproxy.md` 3.1); a bidi override would make a line read as another one.
"""

import re

from .regex import BadRegex
from .regex import check as checked_regex

VALUE_MAX = 1024  # characters of one value on a configuration line
NAME_MAX = 64
BODY_MAX = 4096  # bytes of a page of a tenant's own
MAP_KEY_MAX = 2048

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_BARE = re.compile(r"[A-Za-z0-9_./:@+,=*-]+")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_VISIBLE_ASCII = re.compile(r"[!-~]+")


class Unprintable(ValueError):
    """A value that has no safe spelling in HAProxy's language. The sentence never repeats the value."""


def printable(value: str, limit: int = VALUE_MAX) -> str:
    """Return `value` as it is, or raise `Unprintable`.

    `str.isprintable` knows more than \\x00-\\x1f\\x7f: bidi overrides, zero-width characters, lone
    surrogates, line separators and unassigned code points are refused too.
    """
    if len(value) > limit:
        raise Unprintable(f"longer than {limit} characters")
    if not value.isprintable():
        raise Unprintable("a character that cannot be printed")
    return value


def name(value: str) -> str:
    """A proxy's, server's or header's name: only A-Za-z0-9_-. , never empty."""
    if len(value) > NAME_MAX or _NAME.fullmatch(value) is None:
        raise Unprintable("not a name of letters, digits, `_`, `-` and `.`")
    return value


def quoted(value: str) -> str:
    """One argument in single quotes, in which HAProxy expands nothing: no `${HOME}`, no `\\n`, no `#`."""
    return "'" + printable(value).replace("'", "'\"'\"'") + "'"


def word(value: str) -> str:
    """One argument, bare where that is safe and quoted where it is not."""
    if len(value) <= VALUE_MAX and _BARE.fullmatch(value):
        return value
    return quoted(value)


def log_format(value: str) -> str:
    """One literal argument where HAProxy expects a log-format: `%[env(SECRET)]` stays text."""
    return quoted(value.replace("%", "%%"))


def host(value: str) -> str:
    """A host of a route: lower case, exact or `*.rest`, no port, no trailing dot."""
    if len(value) > 253 or _HOST.fullmatch(value) is None:
        raise Unprintable("not a host name in lower case")
    return value


def path_prefix(value: str) -> str:
    """A path as it stands in a request: visible ASCII from `/` on, without query or fragment."""
    if len(value) > VALUE_MAX or not value.startswith("/") or _VISIBLE_ASCII.fullmatch(value) is None:
        raise Unprintable("not a path: start with `/`, percent-encode spaces and letters outside ASCII")
    if "?" in value or "#" in value:
        raise Unprintable("a path has no `?` and no `#`")
    return value


def cli(value: str) -> str:
    """One argument of a Runtime API command: quotes mean nothing there, backslashes do (`haproxy.md` 1.1)."""
    if not value:
        raise Unprintable("an empty argument")
    if value.startswith("<<"):
        raise Unprintable("an argument that would start a payload")
    printable(value, MAP_KEY_MAX)
    return value.replace("\\", "\\\\").replace(";", "\\;").replace(" ", "\\ ")


def map_line(key: str, value: str) -> str:
    """One line of a map file or of a payload: neither part may be empty, hold a space or start a comment."""
    for part in (key, value):
        if len(part) > MAP_KEY_MAX or _VISIBLE_ASCII.fullmatch(part) is None:
            raise Unprintable("a map entry of something else than visible ASCII")
    if key.startswith("#"):
        raise Unprintable("a map entry that starts with `#`")
    return f"{key} {value}"


_STATUS = re.compile(r"[1-5]\d\d(?:-[1-5]\d\d)?(?:,[1-5]\d\d(?:-[1-5]\d\d)?)*")
_METHOD = re.compile(r"[A-Z]{1,16}")


def expected_status(value: str) -> str:
    """Codes and ranges, comma separated: `200-299,404`."""
    if len(value) > VALUE_MAX or _STATUS.fullmatch(value) is None:
        raise Unprintable("not a list of status codes such as `200-299,404`")
    for part in value.split(","):
        low, _, high = part.partition("-")
        if high and high < low:
            raise Unprintable("a range of status codes that runs backwards")
    return value


def http_method(value: str) -> str:
    if _METHOD.fullmatch(value) is None:
        raise Unprintable("not a method of capital letters")
    return value


_REPLACEMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@%/-]|\\[0-9])*")
_PLAIN_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;<>/=_- ")


def regex(value: str) -> str:
    """A pattern of our subset (`regex`): printable ASCII, that no request can be slow with."""
    try:
        return checked_regex(value)
    except BadRegex as refusal:
        raise Unprintable(str(refusal)) from refusal


def replacement(value: str) -> str:
    """What `replace-path` puts in: a path's characters, and what groups found."""
    if len(value) > VALUE_MAX or not value.startswith(("/", "\\")) or _REPLACEMENT.fullmatch(value) is None:
        raise Unprintable("not a path, in which \\1 to \\9 may stand")
    return log_format(value)


def body(value: str) -> str:
    """A page, newlines and all, as one argument: every byte that could mean anything to HAProxy as `\\xHH`."""
    if not value.replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
        raise Unprintable("a character that cannot be printed")
    written = value.encode()
    if len(written) > BODY_MAX:
        raise Unprintable(f"longer than {BODY_MAX} bytes")
    return '"' + "".join(chr(byte) if byte in _PLAIN_BYTES else f"\\x{byte:02x}" for byte in written) + '"'


def cookie_name(value: str) -> str:
    """Letters, digits, `_`, `-` and `.`, at most 40; `__Host-` and `__Secure-` promise what HAProxy would not keep."""
    if len(value) > 40 or value.lower().startswith(("__host-", "__secure-")):
        raise Unprintable("not the name of a cookie")
    return name(value)


def url(value: str) -> str:
    """Where a redirect leads, said as it stands: visible ASCII, absolute by scheme or path."""
    if len(value) > VALUE_MAX or _VISIBLE_ASCII.fullmatch(value) is None:
        raise Unprintable("not a URL of visible ASCII characters")
    if not value.startswith(("https://", "http://", "/")):
        raise Unprintable("not a URL that begins with https://, http:// or /")
    return value


def content_type(value: str) -> str:
    if len(value) > 100 or _CONTENT_TYPE.fullmatch(value) is None:
        raise Unprintable("not a content type such as `text/plain; charset=utf-8`")
    return value


_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*(?:; ?charset=[A-Za-z0-9_-]+)?")
