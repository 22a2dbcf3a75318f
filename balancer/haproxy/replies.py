"""What HAProxy's replies mean. They are free text; anything that is not known to be good is a refusal."""

from enum import StrEnum


class Verdict(StrEnum):
    DONE = "done"
    LATER = "later"  # cannot be done yet; ask again after looking
    REFUSED = "refused"


_LATER = (
    "Server still has connections attached to it",
    "Server still has active connections",
    "Server still has idle connections",
    "Server still has a non-empty queue",
)
# First words of a command -> how a good reply may start. None of them: the reply is empty.
_ACCEPTED: dict[str, tuple[str, ...]] = {
    "add server": ("New server registered.",),
    "del server": ("Server deleted.", "No such server."),
    "set server addr": ("IP changed from", "no need to change", "port changed from"),
    "set server check-port": ("health check port updated.",),
    "del map": ("Key not found.", "entry not found."),
}


def judge(line: str, reply: str) -> Verdict:
    """Read the reply to one command line, with or without `set severity-output number` before it."""
    said = reply.strip()
    if said[:1] == "[" and said[2:4] == "]:":
        if said[1] in "0123" and not _any(said[4:].strip(), _LATER + _ACCEPTED.get(_verb(line), ())):
            return Verdict.REFUSED
        said = said[4:].strip()
    if _any(said, _LATER):
        return Verdict.LATER
    expected = _ACCEPTED.get(_verb(line), ())
    if _any(said, expected):
        return Verdict.DONE
    empty_is_good = _verb(line) not in {"add server", "del server", "set server addr", "set server check-port"}
    return Verdict.DONE if not said and empty_is_good else Verdict.REFUSED


def _any(said: str, starts: tuple[str, ...]) -> bool:
    return bool(starts) and said.startswith(starts)


def _verb(line: str) -> str:
    words = line.split(" ", 4)
    if words[:2] == ["set", "server"]:
        return " ".join(["set", "server", *words[3:4]])
    return " ".join(words[:2])
