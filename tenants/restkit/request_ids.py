"""The id that follows a request from the door to the node."""

import re

import structlog

PRINTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id() -> str:
    """The current request's, or "" outside of one. A client may have chosen it, so it is checked before it is kept."""
    value = structlog.contextvars.get_contextvars().get("request_id", "")
    return value if isinstance(value, str) and PRINTABLE.fullmatch(value) else ""
