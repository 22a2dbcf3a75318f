"""Text becomes configuration or a command here, and nowhere else.

Everything refuses what is not printable: a newline would be a new directive, or a second command
(`haproxy.md` 3.1); a bidi override would make a line read as another one.
"""

import re

VALUE_MAX = 1024  # characters of one value on a configuration line
NAME_MAX = 64
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
