"""The names that people give: one line, and it reads as it is written."""

import unicodedata

# Controls, what turns the direction of reading or is not seen, halves of pairs, private and unassigned, line ends.
NOT_IN_A_LINE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
SENTENCE = "Use one line of printable text."


def is_line(text: str) -> bool:
    return not any(unicodedata.category(character) in NOT_IN_A_LINE for character in text)
