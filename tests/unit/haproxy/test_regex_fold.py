"""A pattern in both cases takes what `-i` takes: held against Python's own, over random patterns and subjects."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from balancer.haproxy.regex import BadRegex, check
from balancer.haproxy.regex_fold import folded
from balancer.haproxy.regex_match import matches

ATOMS = st.sampled_from(
    ["a", "B", "9", "_", ".", "\\.", "\\d", "\\W", "\\S", "[a-c]", "[X-c]", "[9-B]", "[^a]", "[^A-Y_]", "[-a]", "[aZ-]",
     "[\\]b]", "[k\\-]", "(ab|C)", "(?:aB)", "[@K]", "[^\\w]"]
)  # fmt: skip
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}"])
PATTERNS = st.lists(st.tuples(ATOMS, REPEATS).map("".join), min_size=1, max_size=5).map("".join)
SUBJECTS = st.text("abcABCkKxyzXYZ019_@.-]^[\\/ ", max_size=8)


@given(pattern=PATTERNS, start=st.sampled_from(["", "^"]), end=st.sampled_from(["", "$"]), subject=SUBJECTS)
def test_it_takes_what_either_case_takes(pattern: str, start: str, end: str, subject: str) -> None:
    text = f"{start}{pattern}{end}"
    try:
        check(text)
        both = folded(text)
    except BadRegex:
        assume(False)
    # `$` as PCRE2 has it with DOLLAR_ENDONLY off and no newline in the subject.
    assert matches(both, subject.encode()) == bool(re.search(text.encode(), subject.encode(), re.IGNORECASE))


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("^/api/v[0-9]", "^/[aA][pP][iI]/[vV][0-9]"),
        ("[a-f]+x?", "[a-fA-F]+[xX]?"),
        ("[A-z]", "[A-za-zA-Z]"),
        ("\\d\\.[^q]", "\\d\\.[^qQ]"),
        ("^/1", "^/1"),
    ],
)
def test_as_it_is_written(text: str, both: str) -> None:
    assert folded(text) == both


def test_what_becomes_too_long_is_refused() -> None:
    with pytest.raises(BadRegex, match="1 to 256 characters"):
        folded("a" * 70)
