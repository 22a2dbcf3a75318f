"""One line of a configuration, cut into words as HAProxy does (configuration.txt 2.2; `parse_line` in its tools.c).

There is no line that goes on in the next one: what is open at its end is an error there, and so it is here.
"""

from dataclasses import dataclass

LINE_MAX = 4096  # characters; HAProxy's own buffer begins with 2,048
WORDS_MAX = 64  # HAProxy's MAX_LINE_ARGS
_ESCAPED = {" ": " ", "\\": "\\", "#": "#", "'": "'", '"': '"', "t": "\t", "n": "\n", "r": "\r"}
_HEX = frozenset("0123456789abcdefABCDEF")
_SPACES = frozenset(" \t\v\f")


class BadLine(ValueError):
    """Why a line cannot be read, in a sentence."""


@dataclass(frozen=True, slots=True)
class Line:
    """`number` from 1. `words` are none of an empty line, of a comment, and of one with a `problem`."""

    number: int
    text: str
    words: tuple[str, ...] = ()
    problem: str = ""


def read(number: int, text: str) -> Line:
    try:
        return Line(number, text, words(text))
    except BadLine as error:
        return Line(number, text, problem=str(error))


def words(text: str) -> tuple[str, ...]:
    """Raise `BadLine`. The work grows with the line's length alone."""
    if len(text) > LINE_MAX:
        raise BadLine(f"The line is longer than {LINE_MAX} characters.")
    found: list[str] = []
    word: list[str] = []
    inside, quote, at = False, "", 0
    while at < len(text):
        one = text[at]
        at += 1
        if quote == "'":
            if one == "'":
                quote = ""
            else:
                word.append(one)
        elif one == "#" and not quote:
            break
        elif one in "\"'" and (not quote or one == quote):
            quote, inside = ("" if quote else one), True
        elif one == "\\":
            value, at = _escape(text, at, quote)
            word.append(value)
            inside = True
        elif one == "$" and quote:
            raise BadLine("It names a variable of the environment, which is not known here; write its value.")
        elif one in _SPACES and not quote:
            if inside:
                found.append("".join(word))
                word, inside = [], False
        else:
            word.append(one)
            inside = True
    if quote:
        raise BadLine("A quote is not closed.")
    if inside:
        found.append("".join(word))
    return _checked(found)


def _escape(text: str, at: int, quote: str) -> tuple[str, int]:
    """What a backslash before `at` makes, and where to go on. What it does not know stays as it is (`\\1`)."""
    one = text[at : at + 1]
    if one == "x":
        digits = text[at + 1 : at + 3]
        if len(digits) != 2 or not _HEX.issuperset(digits):
            raise BadLine("\\x needs two hexadecimal digits.")
        return chr(int(digits, 16)), at + 3
    if one == "$" and quote:
        return "$", at + 1
    if one and one in _ESCAPED:
        return _ESCAPED[one], at + 1
    return "\\", at


def _checked(found: list[str]) -> tuple[str, ...]:
    if len(found) > WORDS_MAX:
        raise BadLine(f"The line has more than {WORDS_MAX} words.")
    if found[:2] == ["option", "httpchk"]:  # which is where old files put whole lines of HTTP
        found = [" ".join(word.split()) for word in found]
    if not all(word.isprintable() for word in found):
        raise BadLine("The line has a character that cannot be printed.")
    return tuple(found)
