"""`option httpchk` and `http-check`: how a pool's backends are asked."""

import re
from typing import TYPE_CHECKING

from .lines import Line
from .said import Inexpressible

if TYPE_CHECKING:
    from .pools import Draft

CHECKS = {
    "tcp-check": "tcp", "ssl-hello-chk": "tls", "mysql-check": "tcp", "pgsql-check": "tcp", "redis-check": "tcp",
    "smtpchk": "tcp", "ldap-check": "tcp",
}  # fmt: skip
CLASS_OF_CODES = re.compile(r"\^?\(?([1-5])(?:\[0-9\]\[0-9\]|\.\.|\\d\\d)\)?\$?")
METHODS = ("GET", "HEAD", "OPTIONS")
STATUSES = re.compile(r"\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*")


def httpchk(draft: "Draft", line: Line) -> None:
    """`option httpchk [method] uri [version]`; in the version old files hide a Host."""
    words = list(line.words[2:])
    draft.asked = "http"
    if not words:
        return
    if len(words) == 1:
        _asked(draft, path=words[0])
        return
    _asked(draft, method=words[0], path=words[1])
    hidden = re.search(r"Host:\s*([A-Za-z0-9.-]+)", " ".join(words[2:]))
    if hidden:
        draft.check["host"] = hidden[1].lower()


def http_check(draft: "Draft", line: Line) -> None:
    (_send if line.words[1] == "send" else _expect)(draft, line)


def _asked(draft: "Draft", *, method: str | None = None, path: str | None = None) -> None:
    if method is not None:
        if method not in METHODS:
            raise Inexpressible(f"A check asks with {', '.join(METHODS)}.")
        draft.check["method"] = method
    if path is not None:
        draft.check["path"] = path


def _send(draft: "Draft", line: Line) -> None:
    words = list(line.words[2:])
    headers: dict[str, str] = {}
    while words:
        word = words.pop(0)
        if word in ("meth", "uri", "ver") and words:
            value = words.pop(0)
            _asked(draft, **({"method": value} if word == "meth" else {"path": value} if word == "uri" else {}))
        elif word == "hdr" and len(words) > 1:
            name, value = words.pop(0), words.pop(0)
            if "%" in value:
                raise Inexpressible("A check's headers are fixed text.")
            if name.lower() == "host":
                draft.check["host"] = value.lower()
            else:
                headers[name] = value
        else:
            raise Inexpressible(f"A check cannot send {word[:40]}.")
    if headers:
        draft.check["headers"] = headers


def _expect(draft: "Draft", line: Line) -> None:
    words = list(line.words[2:])
    if len(words) == 2 and words[0] == "status" and STATUSES.fullmatch(words[1].replace(" ", "")):
        draft.check["expected_status"] = words[1].replace(" ", "")
    elif len(words) == 2 and words[0] == "rstatus" and CLASS_OF_CODES.fullmatch(words[1]):
        first = words[1].lstrip("^(")[0]
        draft.check["expected_status"] = f"{first}00-{first}99"
    elif len(words) == 2 and words[0] == "string":
        draft.check["expected_body"] = words[1]
        draft.check.setdefault("expected_status", "100-599")  # the text alone decides there
    else:
        raise Inexpressible("A check expects status codes, like 200-399, and a text in the answer.")
