"""A line is cut into words as HAProxy cuts it, and what is no configuration is refused plainly and soon."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy.cfg.convert import convert
from balancer.haproxy.cfg.lines import LINE_MAX, BadLine, words
from balancer.haproxy.cfg.sections import LINES_MAX, TEXT_MAX, Unreadable, read_text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("   # a comment", ()),
        ("global#this is the global section", ("global",)),
        ("\tmode   http # or tcp", ("mode", "http")),
        (r"acl a path_reg '^/x y#\d$'", ("acl", "a", "path_reg", r"^/x y#\d$")),
        (r'log-format "%{+Q}o %t"' + "' %s %{-Q}r'", ("log-format", "%{+Q}o %t %s %{-Q}r")),
        (r"log-format %{+Q}o\ %t\ %s", ("log-format", "%{+Q}o %t %s")),
        (r"a \#b \\ \" \' \x41\x2f", ("a", "#b", "\\", '"', "'", "A/")),
        (r"replace-path (.*) /a\1 \$", ("replace-path", "(.*)", r"/a\1", r"\$")),
        (r'a "it'  "'" r's \$5 \"x\""', ("a", "it's $5 \"x\"")),
        ("a '' \"\"", ("a", "", "")),
        ("a$b ${HOME}", ("a$b", "${HOME}")),
        ("a b\\", ("a", "b\\")),
        (r"option httpchk HEAD /a HTTP/1.1\r\nHost:\ x", ("option", "httpchk", "HEAD", "/a", "HTTP/1.1 Host: x")),
    ],
)  # fmt: skip
def test_words_are_cut_as_haproxy_cuts_them(text: str, found: tuple[str, ...]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    "text",
    ["a 'b", 'a "b', r'a "b\"', r"a \x4", r"a \xzz", 'a "$HOME"', 'a "x${A-b}"', r"a b\nc", "a \x07", "a " * 65,
     "x" * (LINE_MAX + 1), "a \u202eb", "a\rb"],
)  # fmt: skip
def test_what_cannot_be_read_is_a_sentence(text: str) -> None:
    with pytest.raises(BadLine, match=r"\.$"):
        words(text)


@given(st.text(alphabet="ab \\\"'#$x{}\t\r\n\x00%é", max_size=60))
def test_nothing_else_is_ever_raised(text: str) -> None:
    with contextlib.suppress(BadLine):
        assert all(word.isprintable() for word in words(text))


@pytest.mark.parametrize(
    "text",
    [
        "\\" * 1_000_000,
        "frontend a\n" + "\\" * 400_000,
        "'\"" * 200_000,
        "frontend a\x00b",
        "",
        "\n" * 4000,
        "# nothing\n",
        "frontend a\n" * (LINES_MAX + 1),
        "x\n" * 100_000,
        "é" * TEXT_MAX,
    ],
    ids=lambda text: f"{text[:12]!r} {len(text)}",
)
def test_hostile_text_is_refused_plainly(text: str) -> None:
    with contextlib.suppress(Unreadable):
        lines = read_text(text).lines
        assert any(line.problem for line in lines)
        assert len(convert(text, hosts=["a.test"]).lines) == len(lines)


def test_every_line_is_in_the_text_once() -> None:
    read = read_text(
        "# first\nstray\nglobal\n  daemon\n\ndefaults d\n mode http\nfrontend f from d\n bind :80\r\n# end"
    )
    every = [*read.loose, *(line for section in read.sections for line in section.every)]
    assert [line.number for line in every] == [*range(1, 11)]
    assert [section.called for section in read.sections] == ["global", "defaults d", "frontend f"]
    assert read.sections[-1].based == "d"
