"""What each field may hold, and the sentence for what it may not: the one place for API, console and import alike.

A rule returns the cleaned value or raises `ValueError` with a sentence; `Problems` gathers them by field, so that
someone is told everything at once.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from tenants.errors import FieldError, Refused

P = ParamSpec("P")
T = TypeVar("T")

WEIGHT_MAX = 256  # HAProxy's own (configuration.txt 5.2)
PORT_MAX = 65535
TAGS_MAX = 20
STATUS_RANGES = re.compile(r"[1-5]\d\d(-[1-5]\d\d)?(,[1-5]\d\d(-[1-5]\d\d)?)*")
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
HEADER = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # what `haproxy.text.name` writes; HTTP's own tokens are more
PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
OURS = frozenset({"host", "connection", "content-length", "transfer-encoding"})
CHECK_METHODS = ("GET", "HEAD", "OPTIONS")


class Problems:
    """What is wrong with one object, field by field."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def take(self, field: str, rule: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Any:
        """The rule's value, or None with its sentence noted under the field."""
        try:
            return rule(*args, **kwargs)
        except ValueError as error:
            self.add(field, str(error))
            return None

    def add(self, field: str, detail: str, code: str = "invalid") -> None:
        self.errors.append(FieldError("/" + field.replace(".", "/"), code, detail))

    def raise_any(self) -> None:
        if self.errors:
            raise Refused(self.errors[0].detail, "invalid", 422, tuple(self.errors))


def text(value: str, *, most: int, least: int = 0, what: str = "This") -> str:
    """Printable, trimmed, on one line: no control characters and no direction overrides."""
    value = value.strip()
    if any(unicodedata.category(ch) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for ch in value):
        raise ValueError(f"{what} has a character that cannot be printed; remove it.")
    if not least <= len(value) <= most:
        raise ValueError(f"{what} needs {least} to {most} characters; this has {len(value)}.")
    return value


def whole(value: int, *, least: int, most: int, what: str) -> int:
    if not least <= value <= most:
        raise ValueError(f"{what} is a whole number from {least} to {most}; {value} is not.")
    return value


def optional_whole(value: int | None, *, least: int, most: int, what: str) -> int | None:
    return None if value is None else whole(value, least=least, most=most, what=what)


def host(value: str) -> str:
    """A host name as HAProxy will compare it: ASCII, lower case, without a trailing dot; `*.rest` allowed."""
    name = value.strip().rstrip(".")
    wildcard = name.startswith("*.")
    rest = name.removeprefix("*.")
    try:
        rest = rest.encode("idna").decode("ascii").lower() if not rest.isascii() else rest.lower()
    except UnicodeError:
        raise ValueError("This is not a host name; write one like www.example.com.") from None
    labels = rest.split(".")
    if ":" in rest or "/" in rest:
        raise ValueError("Write the host name alone, without scheme, port or path.")
    if len(rest) > 250 or not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError("This is not a host name; write one like www.example.com or *.example.com.")
    if wildcard and len(labels) < 2:
        raise ValueError("A wildcard needs at least two labels after it, like *.example.com.")
    return f"*.{rest}" if wildcard else rest


def path_prefix(value: str) -> str:
    """Starts with `/`; matched by whole segments, so a trailing slash says nothing and is dropped."""
    if len(value) > 500:
        raise ValueError("A path has 500 characters at most.")
    if not PATH.fullmatch(value):
        raise ValueError(
            "A path starts with / and has no spaces, #, ? or other characters that a URL path cannot hold."
        )
    if "//" in value:
        raise ValueError("Two slashes in a row never match; write one.")
    return value.rstrip("/") or "/"


def check_path(value: str) -> str:
    if len(value) > 500 or not re.fullmatch(PATH.pattern + r"(\?[!-~]*)?", value):
        raise ValueError("A check's path starts with /, has no spaces, and 500 characters at most.")
    return value


def check_method(value: str) -> str:
    if value not in CHECK_METHODS:
        raise ValueError(f"A check asks with {', '.join(CHECK_METHODS)}; “{value[:20]}” is not one of them.")
    return value


def check_headers(value: dict[str, str]) -> dict[str, str]:
    if len(value) > 10:
        raise ValueError("A check sends 10 headers at most.")
    for name, content in value.items():
        if not HEADER.fullmatch(name):
            raise ValueError(f"“{name[:40]}” is not a header name.")
        if name.lower() in OURS:
            raise ValueError(f"{name} is set by the check itself; for Host there is the field “host”.")
        text(content, most=200, what=f"The header {name}")
        if not content.isascii():
            raise ValueError(f"The header {name} has characters outside ASCII.")
    return value


def expected_status(value: str) -> str:
    value = value.replace(" ", "")
    if not STATUS_RANGES.fullmatch(value) or len(value) > 100:
        raise ValueError("Write status codes and ranges, like 200-399 or 200,204.")
    for part in value.split(","):
        first, _, last = part.partition("-")
        if last and int(last) < int(first):
            raise ValueError(f"The range {part} ends before it starts.")
    return value


def tags(value: list[str]) -> list[str]:
    if len(value) > TAGS_MAX:
        raise ValueError(f"{TAGS_MAX} tags at most.")
    return sorted({text(tag, least=1, most=40, what="A tag") for tag in value})


def one_of(value: str, allowed: list[str], *, what: str) -> str:
    if value not in allowed:
        raise ValueError(f"{what} is one of {', '.join(allowed)}; “{value[:40]}” is not.")
    return value
