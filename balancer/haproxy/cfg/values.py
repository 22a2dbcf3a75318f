"""Numbers and times as HAProxy writes them, as our documents do."""

import re

from .said import Inexpressible

TIME = re.compile(r"(\d{1,12})(us|ms|s|m|h|d)?")
US = {"us": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def milliseconds(text: str, *, least: int, most: int) -> int:
    """Without a unit they are milliseconds (configuration.txt 2.5). Raise `Inexpressible`."""
    found = TIME.fullmatch(text)
    if found is None:
        raise Inexpressible("This is no time, like 5s or 250ms.")
    value = int(found[1]) * US[found[2] or "ms"] // 1000
    if not least <= value <= most:
        raise Inexpressible(f"A time of {text} is not within {spelled(least)} and {spelled(most)}.")
    return value


def spelled(value: int) -> str:
    return f"{value}ms" if value % 1000 else f"{value // 1000}s"


def time(text: str, *, least: int = 10, most: int = 86_400_000) -> str:
    return spelled(milliseconds(text, least=least, most=most))


def whole(text: str, *, least: int, most: int, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and least <= int(text) <= most):
        raise Inexpressible(f"{what} is a whole number from {least} to {most}.")
    return int(text)
