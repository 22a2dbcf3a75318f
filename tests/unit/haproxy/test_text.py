"""Text becomes configuration in one place, which refuses what is not printable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy import text
from balancer.haproxy.text import Unprintable


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b", "\x1f", "\x7f", "a\u202eb", "\u2066", "\u2028", "\ud800"])
def test_what_cannot_be_printed_is_refused(bad: str) -> None:
    for spell in (text.quoted, text.word, text.log_format, text.cli, text.name, text.host):
        with pytest.raises(Unprintable) as refusal:
            spell(bad)
        assert bad not in str(refusal.value)


def test_single_quotes_hold_everything_but_a_single_quote() -> None:
    assert text.quoted("it's ${HOME} #1 \\n") == "'it'\"'\"'s ${HOME} #1 \\n'"


def test_a_plain_word_stays_bare_and_an_empty_one_is_still_a_word() -> None:
    assert text.word("*:8000") == "*:8000"
    assert text.word("") == "''"
    assert text.word("a b") == "'a b'"


def test_a_log_format_is_no_expression() -> None:
    assert text.log_format("%[env(SECRET)] 5%") == "'%%[env(SECRET)] 5%%'"


def test_lengths_have_an_end() -> None:
    for spell, length in ((text.quoted, 1025), (text.name, 65), (text.host, 254), (text.cli, 2049)):
        with pytest.raises(Unprintable):
            spell("a" * length)


def test_a_command_argument_escapes_what_would_end_it() -> None:
    assert text.cli("a b;c\\d") == "a\\ b\\;c\\\\d"
    for bad in ("", "<<", "a\nset weight"):
        with pytest.raises(Unprintable):
            text.cli(bad)


@given(st.text())
def test_a_command_argument_is_one_argument_again(value: str) -> None:
    try:
        encoded = text.cli(value)
    except Unprintable:
        return
    words, escaped = [""], False
    for character in encoded:
        if escaped:
            words[-1], escaped = words[-1] + character, False
        elif character == "\\":
            escaped = True
        elif character in " ;":
            words.append("")
        else:
            words[-1] += character
    assert words == [value]


@pytest.mark.parametrize(("key", "value"), [("", "v"), ("k", ""), ("#k", "v"), ("a b", "v"), ("a\n", "v"), ("a", "é")])
def test_a_map_line_holds_one_entry(key: str, value: str) -> None:
    with pytest.raises(Unprintable):
        text.map_line(key, value)


@pytest.mark.parametrize("good", ["a", "a.test", "*.a.test", "_x.a-b.test", "xn--caf-dma.test", "10.0.0.1"])
def test_a_host_is_lower_case_and_may_begin_with_a_star(good: str) -> None:
    assert text.host(good) == good


@pytest.mark.parametrize(
    "bad", ["", "A.test", "a.test.", ".a", "a..b", "*", "*.", "a.*.b", "a/b", "a:80", "-a", "é.test"]
)
def test_what_is_no_host_is_refused(bad: str) -> None:
    with pytest.raises(Unprintable):
        text.host(bad)


@pytest.mark.parametrize("bad", ["", "api", "/a b", "/é", "/a?b", "/a#b", "/a\tb"])
def test_what_is_no_path_is_refused(bad: str) -> None:
    with pytest.raises(Unprintable):
        text.path_prefix(bad)


@pytest.mark.parametrize("bad", ["", "2xx", "200-", "399-200", "600", "200,", "200 if", "! 500"])
def test_what_is_no_list_of_status_codes_is_refused(bad: str) -> None:
    with pytest.raises(Unprintable):
        text.expected_status(bad)


def test_status_codes_and_ranges_are_taken() -> None:
    assert text.expected_status("200-299,404") == "200-299,404"
