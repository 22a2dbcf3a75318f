"""A line as a report of the import keeps it: what it is about, without values, which may be somebody's secrets.

Passwords stand in headers, in conditions, in comments, in lines that nobody can read. So what stays is told by what the
line begins with: a directive that is known here, and as many words after it as never hold a secret.

Never kept: passwords, tokens, values of headers and cookies, what conditions compare with, URLs with credentials. Kept:
names (of sections, servers, ACLs, headers, and the objects that were made, with the host and path of a route), plain
addresses, numbers, times and words of HAProxy's own; what stands in the place of one of these and is none goes too. A
sentence loses whatever it quotes of the rest, also where it cut that short.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from . import said
from .fates import Fate, Told
from .lines import read

LEFT_OUT = "…"
WORD_MIN = 4  # shorter ones are no secrets, and stand in every sentence
# Beside the directive itself.
WORDS_KEPT = {
    **dict.fromkeys(
        ("global", "stick-table", "cookie", "default-server", "stick", "log", "user", "group", "peer", "nameserver",
         "capture", "daemon", "chroot", "pidfile", "setenv", "presetenv", "log-format", "unique-id-format", "disabled",
         "enabled", "source", "filter", "monitor-uri", "command", "description", "ca-base", "crt-base", "tcp-check",
         "retry-on"), 0,
    ),
    **dict.fromkeys(
        ("frontend", "backend", "listen", "defaults", "mode", "balance", "retries", "option", "maxconn", "fullconn",
         "bind", "default_backend", "use_backend", "use-server", "http-check", "tcp-request", "tcp-response",
         "redirect", "stats", "errorfile", "compression", "userlist", "peers", "resolvers", "cache", "mailers",
         "program", "ring", "http-errors", "http-reuse", "hash-type", "nbthread", "nbproc", "backlog", "http-request",
         "http-response", "no", "log-tag"), 1,
    ),
    **dict.fromkeys(("server", "server-template", "timeout", "acl"), 2),
}  # fmt: skip
# The last of the words of these that stay is one of HAProxy's own, or a number or a time.
FORMS = {
    "timeout": re.compile(r"\d{1,12}[a-z]{0,2}"),
    **dict.fromkeys(("maxconn", "fullconn", "retries", "backlog", "nbthread", "nbproc"), re.compile(r"\d{1,12}")),
    **dict.fromkeys(
        ("balance", "mode", "option", "http-check", "tcp-request", "tcp-response", "redirect", "stats", "compression",
         "http-reuse", "hash-type", "http-request", "http-response"),
        re.compile(r"[a-z][a-z0-9_-]{0,39}(?:[(%$,.].*)?"),
    ),
}  # fmt: skip
ADDRESSED = re.compile(r"@|://")  # before it may stand who asks, and with what
NAME_MAX = 120
LINES_KEPT_MAX = 150_000  # characters of one report; fifty of them are a few megabytes
OBJECTS_KEPT_MAX = 20  # of one line
HEADERS = frozenset({"set-header", "add-header", "del-header", "replace-header"})  # the name after it is kept too
VALUE = re.compile(r"[(%$,].*")  # what is asked for is kept, and not with what
_PARTS = re.compile(r"[\w-]+")
_CUT = (80, 40)  # where sentences end a quotation
_FIRST = (Fate.REFUSED, Fate.NOTE, Fate.MANAGED)
_OURS = frozenset(
    word.lower()
    for sentence in [*(value for name, value in vars(said).items() if name.isupper()), *WORDS_KEPT, *HEADERS]
    if isinstance(sentence, str)
    for word in re.findall(r"[\w-]+", sentence)
)


def without_values(told: Iterable[Told]) -> list[Told]:
    return [_kept(one) for one in told]


def bounded(told: Sequence[Told]) -> list[Told]:
    """As many lines as a report keeps, in their order: what was refused before what is a note, and that before what is
    managed."""
    left, numbers = LINES_KEPT_MAX, set[int]()
    for one in sorted(told, key=lambda one: _FIRST.index(one.fate)):
        left -= 20 + len(one.text) + len(one.sentence) + sum(len(name) + 4 for name in one.objects)
        if left < 0:
            break
        numbers.add(one.line)
    return [one for one in told if one.line in numbers]


def _kept(told: Told) -> Told:
    stays, gone = _parted(told)
    indent = "    " if told.text[:1] in (" ", "\t") and stays else ""
    text = indent + " ".join([*stays, *([LEFT_OUT] if gone else [])])
    return replace(told, text=text, sentence=_without(told.sentence, gone), objects=told.objects[:OBJECTS_KEPT_MAX])


def _parted(told: Told) -> tuple[list[str], list[str]]:
    """The words that stay, and those that do not. Of a line that cannot be read, or of none of the known ones, none
    stays."""
    line = read(told.line, told.text)
    if not line.words:
        return [], re.findall(r"\S+", told.text)
    first, *rest = line.words
    if first not in WORDS_KEPT:
        return [], [*line.words, *_comment(told.text)]
    most = WORDS_KEPT[first] + (rest[:1] != [] and rest[0] in HEADERS)
    stays = [VALUE.sub(LEFT_OUT, word) for word in rest[:most]]
    if first in FORMS and len(stays) == WORDS_KEPT[first] and not FORMS[first].fullmatch(rest[most - 1]):
        stays[-1] = LEFT_OUT
    stays = [LEFT_OUT if ADDRESSED.search(word) or len(word) > NAME_MAX else word for word in stays]
    cut = [word for word, kept in zip(rest, stays, strict=False) if word != kept]
    return [first, *stays], [*cut, *rest[most:], *_comment(told.text)]


def _comment(text: str) -> list[str]:
    """What may be one: it is no word of the line."""
    return text.partition("#")[2].split()


def _without(sentence: str, gone: Iterable[str]) -> str:
    """What is said of a line may quote it, or a part of a word of it, or the beginning of one."""
    every = {part for word in gone for part in (word, *_PARTS.findall(word), *re.findall(r"\w+", word), *word.split())}
    for word in sorted(every, key=len, reverse=True):
        if len(word) >= WORD_MIN and word.lower() not in _OURS:
            sentence = sentence.replace(word, LEFT_OUT)
    begun = {word[:at] for word in every for at in _CUT if len(word) > at}
    for word in sorted(begun | set(_begun(sentence, every)), key=len, reverse=True):
        sentence = sentence.replace(word, LEFT_OUT)
    return sentence


def _begun(sentence: str, every: Iterable[str]) -> Iterator[str]:
    """Words of a sentence that a longer one begins with, as a list that was cut short ends."""
    for word in sentence.split():
        bare = word.strip("“”.,:;")
        if len(bare) >= WORD_MIN and bare.lower() not in _OURS and any(one.startswith(bare) for one in every):
            yield bare
