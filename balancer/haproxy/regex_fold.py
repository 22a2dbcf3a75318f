"""A regular expression of ours that takes letters of either case, as HAProxy's `-i` does: written with classes.

On bytes, so that letters are the 52 of ASCII and nothing else (PCRE2 without UTF, in the C locale).
"""

from collections.abc import Iterator

from .regex import check


def folded(text: str) -> str:
    """The pattern with every letter in both cases. Raise `BadRegex`, also where that makes it too long."""
    return check("".join(_pieces(check(text))))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        one = text[at]
        size = 1
        if one == "\\":  # a set has both cases of a letter, or none
            size = 2
            yield text[at : at + size]
        elif one == "[":
            end = _class_end(text, at)
            size = end - at
            yield "[" + "".join(_members(text[at + 1 : end - 1])) + "]"
        else:
            yield f"[{one.lower()}{one.upper()}]" if one.isalpha() else one
        at += size


def _class_end(text: str, at: int) -> int:
    """Behind its bracket; one that stands first, too, needs a backslash here."""
    at += 1
    while text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _members(inner: str) -> Iterator[str]:
    at = 0
    if inner.startswith("^"):
        yield "^"
        at = 1
    while at < len(inner):
        one = inner[at]
        if one == "\\":
            yield inner[at : at + 2]
            at += 2
        elif inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            yield f"{inner[at : at + 3]}{_swapped(one, inner[at + 2])}"
            at += 3
        else:
            yield one + (one.swapcase() if one.isalpha() else "")
            at += 1


def _swapped(first: str, last: str) -> str:
    """The letters of a range, in the other case."""
    found = ""
    for low, high in (("A", "Z"), ("a", "z")):
        start, end = max(first, low), min(last, high)
        if start <= end:
            found += f"{start.swapcase()}-{end.swapcase()}"
    return found
