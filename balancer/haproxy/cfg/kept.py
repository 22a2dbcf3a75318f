"""A line as a report of the import keeps it: what it is about, without values, which may be somebody's secrets.

Passwords stand in headers, in conditions, in comments, in lines that nobody can read. So what stays is told by what the
line begins with: a directive that is known here, and as many words after it as never hold a secret.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from . import said
from .fates import Told
from .lines import read

LEFT_OUT = "…"
WORD_MIN = 4  # shorter ones are no secrets, and stand in every sentence
# Beside the directive itself.
WORDS_KEPT = {
    **dict.fromkeys(
        ("global", "stick-table", "cookie", "default-server", "stick", "log", "user", "group", "peer", "nameserver",
         "capture", "daemon", "chroot", "pidfile", "setenv", "presetenv", "log-format", "unique-id-format", "disabled",
         "enabled", "source", "filter", "monitor-uri", "command", "description", "ca-base", "crt-base", "tcp-check"), 0,
    ),
    **dict.fromkeys(
        ("frontend", "backend", "listen", "defaults", "mode", "balance", "retries", "option", "maxconn", "fullconn",
         "bind", "default_backend", "use_backend", "use-server", "http-check", "tcp-request", "tcp-response",
         "redirect", "stats", "errorfile", "compression", "userlist", "peers", "resolvers", "cache", "mailers",
         "program", "ring", "http-errors", "http-reuse", "hash-type", "nbthread", "nbproc", "backlog", "http-request",
         "http-response", "no", "log-tag"), 1,
    ),
    **dict.fromkeys(("server", "server-template", "timeout", "acl", "retry-on"), 2),
}  # fmt: skip
HEADERS = frozenset({"set-header", "add-header", "del-header", "replace-header"})  # the name after it is kept too
VALUE = re.compile(r"[(%$,].*")  # what is asked for is kept, and not with what
_OURS = frozenset(
    word.lower()
    for sentence in [*(value for name, value in vars(said).items() if name.isupper()), *WORDS_KEPT, *HEADERS]
    if isinstance(sentence, str)
    for word in re.findall(r"[\w-]+", sentence)
)


def without_values(told: Iterable[Told]) -> list[Told]:
    return [_kept(one) for one in told]


def _kept(told: Told) -> Told:
    stays, gone = _parted(told)
    indent = "    " if told.text[:1] in (" ", "\t") and stays else ""
    text = indent + " ".join([*stays, *([LEFT_OUT] if gone else [])])
    return replace(told, text=text, sentence=_without(told.sentence, gone))


def _parted(told: Told) -> tuple[list[str], list[str]]:
    """The words that stay, and those that do not. Of a line that cannot be read, or of none of the known ones, none
    stays."""
    line = read(told.line, told.text)
    if not line.words:
        return [], re.findall(r"\S+", told.text)
    first, *rest = line.words
    if first not in WORDS_KEPT:
        return [], list(line.words)
    most = WORDS_KEPT[first] + (rest[:1] != [] and rest[0] in HEADERS)
    stays = [VALUE.sub(LEFT_OUT, word) for word in rest[:most]]
    cut = [word for word, kept in zip(rest, stays, strict=False) if word != kept]
    return [first, *stays], [*cut, *rest[most:], *_comment(told.text, line.words)]


def _comment(text: str, words: Iterable[str]) -> list[str]:
    """Something after a # that is no word of the line."""
    _, sharp, after = text.partition("#")
    return after.split() if sharp and not any("#" in word for word in words) else []


def _without(sentence: str, gone: Iterable[str]) -> str:
    """What is said of a line may quote it, or a part of a word of it."""
    every = {part for word in gone for part in (word, *re.findall(r"[\w-]+", word), *re.findall(r"\w+", word))}
    for word in sorted(every, key=len, reverse=True):
        if len(word) >= WORD_MIN and word.lower() not in _OURS:
            sentence = sentence.replace(word, LEFT_OUT)
    return sentence
