"""The names that people give: one line, and it reads as it is written."""

import unicodedata
from collections.abc import Mapping

# Controls, what turns the direction of reading or is not seen, halves of pairs, private and unassigned, line ends.
NOT_IN_A_LINE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
SENTENCE = "Use one line of printable text."


def is_storable(found: object) -> bool:
    """Of JSON from elsewhere: no text in it, names included, has what PostgreSQL or UTF-8 cannot hold."""
    if isinstance(found, str):
        return "\x00" not in found and not any("\ud800" <= character <= "\udfff" for character in found)
    if isinstance(found, Mapping):
        return all(is_storable(name) and is_storable(value) for name, value in found.items())
    return all(map(is_storable, found)) if isinstance(found, list) else True


def is_line(text: str) -> bool:
    return not any(unicodedata.category(character) in NOT_IN_A_LINE for character in text)
